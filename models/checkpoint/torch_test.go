package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/torch"
)

// text writes a text in a pickle.
func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// scalar writes a tensor in a pickle: one f32 of storage "0".
var scalar = "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K\x01tQK\x00))\x89}tR"

// saved returns the path of a torch file with a pickle and a storage of one 1.
func saved(t *testing.T, pickle string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.pt")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := zip.NewWriter(f)
	for name, data := range map[string]string{"m/data.pkl": "\x80\x02" + pickle + ".", "m/data/0": "\x00\x00\x80\x3f"} {
		e, err := w.CreateHeader(&zip.FileHeader{Name: name})
		if err == nil {
			_, err = e.Write([]byte(data))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSharedParts has one dictionary under two keys, and one that contains itself.
func TestSharedParts(t *testing.T) {
	for _, c := range []struct {
		pickle string
		parts  []string
		part   string
	}{
		{"}(" + text("a") + "}" + text("w") + scalar + "sq\x01" + text("b") + "h\x01u", []string{"a"}, "a"},
		{"}q\x01(" + text("self") + "h\x01" + text("w") + scalar + "u", []string{""}, ""},
		{"}(" + text("w") + scalar + text("model") + "}" + text("w") + scalar + "su", []string{"", "model"}, "model"},
		{"}" + text("a") + "}" + text("b") + "}" + text("w") + scalar + "sss", []string{"a/b"}, "a/b"},
	} {
		f, err := Open(saved(t, c.pickle))
		if err != nil {
			t.Errorf("%q: %v", c.parts, err)
			continue
		}
		defer f.Close()
		if !slices.Equal(f.Parts(), c.parts) || f.Part() != c.part || !slices.Equal(f.Names(), []string{"w"}) {
			t.Errorf("parts %q, part %q, names %q", f.Parts(), f.Part(), f.Names())
		}
	}
	deep := "}" + text("a") + "}" + text("b") + "}" + text("c") + "}" + text("w") + scalar + "ssss"
	if _, err := Open(saved(t, deep)); !errors.Is(err, ErrFormat) {
		t.Errorf("three keys deep: %v, want ErrFormat", err)
	}
}

func TestTensorNames(t *testing.T) {
	for name, ok := range map[string]bool{
		strings.Repeat("x", maxNameBytes):   true,
		strings.Repeat("x", maxNameBytes+1): false,
		"\xff":                              false,
		"":                                  true,
	} {
		c, err := Open(saved(t, "}"+text(name)+scalar+"s"))
		if ok != (err == nil) || !ok && !errors.Is(err, ErrFormat) {
			t.Errorf("%.10q of %d bytes: %v", name, len(name), err)
		}
		if err == nil {
			if got, err := c.Floats(name); err != nil || !slices.Equal(got, []float32{1}) {
				t.Errorf("%.10q: %v, %v", name, got, err)
			}
			_ = c.Close()
		}
	}
}

// TestNotes keeps short texts and numbers, and a bounded number of them.
func TestNotes(t *testing.T) {
	c, err := Open(saved(t, "}("+text("w")+scalar+text("long")+text(strings.Repeat("x", maxNoteBytes))+
		text("short")+text("x")+text("bad")+text("\xff")+text("yes")+"\x88"+text("none")+"N"+text("list")+"]u"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if m := c.Metadata(); len(m) != 2 || m["short"] != "x" || m["yes"] != "true" {
		t.Errorf("metadata %q", m)
	}
	var many strings.Builder
	for i := range maxNotes + 1 {
		many.WriteString(text(fmt.Sprint(i)) + "K\x01")
	}
	all, err := Open(saved(t, "}("+text("w")+scalar+many.String()+"u"))
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	if n := len(all.Metadata()); n != maxNotes {
		t.Errorf("%d notes are kept, want %d", n, maxNotes)
	}
}

// FuzzParts takes the usual part of any bytes that pass as a torch file, and each
// other part that is said to be there.
func FuzzParts(f *testing.F) {
	for _, name := range []string{"wrapped.pt", "module.pt", "ema.pt", "parts.pt", "list.pt", "empty.pt"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := torch.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			checkKind(t, classify(err))
			return
		}
		c, err := torchContents(file.Root(), nil)
		if err != nil {
			checkKind(t, err)
			return
		}
		if len(c.tensors) == 0 || !slices.Contains(c.parts, c.part) {
			t.Fatalf("%d tensors of part %q of %q", len(c.tensors), c.part, c.parts)
		}
		for _, name := range c.parts {
			if _, err := torchContents(file.Root(), &name); err != nil {
				checkKind(t, err)
			}
		}
	})
}
