package limit

import (
	"errors"
	"flag"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
)

// TestNames sets every field by its name, so that none lacks a flag.
func TestNames(t *testing.T) {
	var l Limits
	for i, name := range All {
		if err := l.Set(string(name) + "=" + string(rune('1'+i))); err != nil {
			t.Fatal(err)
		}
	}
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		if got := v.Field(i).Int(); got != int64(i+1) {
			t.Errorf("%s is %d, want %d", v.Type().Field(i).Name, got, i+1)
		}
	}
	for _, name := range All {
		if text := Over(name, 7).Error(); strings.Contains(text, "%!") || !strings.Contains(text, "--mesh-limit "+string(name)+"=N") || phrase[name] == "" {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestFlag(t *testing.T) {
	var l Limits
	f := flag.NewFlagSet("", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Var(&l, "mesh-limit", "")
	if err := f.Parse([]string{"--mesh-limit", "face-corners=100000", "--mesh-limit=bytes=9000000000"}); err != nil {
		t.Fatal(err)
	}
	if want := (Limits{Bytes: 9_000_000_000, FaceCorners: 100_000}); l != want || l.String() != "bytes=9000000000 face-corners=100000" {
		t.Errorf("%+v, %q", l, l.String())
	}
	for _, bad := range []string{"", "faces", "faces=", "faces=0", "faces=-1", "faces=1e6", "corner=5", "vertices=2147483648"} {
		if err := l.Set(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestDefaults(t *testing.T) {
	l := Limits{}.WithDefaults()
	if l.FaceCorners != 1<<16 || l.LineBytes != 1<<22 || l.Bytes != 1<<30 {
		t.Errorf("%+v", l)
	}
	wide := Limits{Vertices: math.MaxInt, FaceCorners: math.MaxInt}.WithDefaults()
	if wide.Vertices != math.MaxInt32 || wide.LineBytes != 1<<30 {
		t.Errorf("%+v", wide)
	}
	if !errors.Is(Over(Faces, 3), ErrLimit) {
		t.Error("another error")
	}
}
