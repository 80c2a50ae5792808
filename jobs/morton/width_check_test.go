package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// fakeDevices answers for morton devices: a device on the CPU whose products run at
// the rates of each width, one a call and then again from the first; a width without
// any is refused.
type fakeDevices struct {
	info     gpu.Info
	products map[string][]float64
	measured map[string]int
}

func (f *fakeDevices) run(_ context.Context, arguments ...string) ([]byte, error) {
	line := deviceLine{Info: f.info}
	if width := arguments[len(arguments)-1]; slices.Contains(arguments, "--measure") {
		all := f.products[width]
		if len(all) == 0 {
			return nil, errors.New("it lacks the width")
		}
		line.Rates = &rates{Product: all[f.measured[width]%len(all)], Row: 1}
		f.measured[width]++
	}
	return json.Marshal([]deviceLine{line})
}

func onCPU() gpu.Info {
	return gpu.Info{Name: "lavapipe", Width: 8, SubgroupMin: 8, SubgroupMax: 8, Threads: 2}
}

func TestWidthIsMeasured(t *testing.T) {
	card := gpu.Info{Name: "card", Width: 32, SubgroupMin: 8, SubgroupMax: 32}
	for name, c := range map[string]struct {
		info     gpu.Info
		products map[string][]float64
		want     int
	}{
		"clearly faster":         {onCPU(), map[string][]float64{"8": {50}, "16": {80}}, 16},
		"hardly faster":          {onCPU(), map[string][]float64{"8": {50}, "16": {57}}, 0},
		"slower":                 {onCPU(), map[string][]float64{"8": {50}, "16": {7}}, 0},
		"once in three":          {onCPU(), map[string][]float64{"8": {50, 50, 10}, "16": {51, 90, 51}}, 0},
		"another is refused":     {onCPU(), map[string][]float64{"8": {50}}, 0},
		"a card's own":           {card, map[string][]float64{"8": {9}, "16": {20}, "32": {20}}, 0},
		"another of a card":      {card, map[string][]float64{"8": {9}, "16": {30}, "32": {20}}, 16},
		"one past a card's":      {card, map[string][]float64{"32": {20}, "64": {90}}, 0},
		"a device with one only": {gpu.Info{Name: "card", Width: 64, SubgroupMin: 64, SubgroupMax: 64}, nil, 0},
	} {
		f := &fakeDevices{c.info, c.products, map[string]int{}}
		w := &widthCheck{device: "auto", folder: t.TempDir(), say: io.Discard, run: f.run}
		for range 2 { // measured, and from the record
			if got, err := w.choose(context.Background(), rates.training); got != c.want || err != nil {
				t.Errorf("%s: width %d, error %v, want %d", name, got, err, c.want)
			}
		}
		for width, n := range f.measured {
			if n != widthRounds {
				t.Errorf("%s: width %s was measured %d times", name, width, n)
			}
		}
		if got, _ := w.choose(context.Background(), drawing(1)); got != 0 {
			t.Errorf("%s: width %d for rows that are no faster at any", name, got)
		}
	}
}

// TestWidthRecordIsStrict measures again for another driver, and where a record was
// damaged or kept nowhere.
func TestWidthRecordIsStrict(t *testing.T) {
	f := &fakeDevices{onCPU(), map[string][]float64{"8": {50}, "16": {80}}, map[string]int{}}
	w := &widthCheck{device: "auto", folder: t.TempDir(), say: io.Discard, run: f.run}
	measured := 0
	choose := func(what string, again bool) {
		t.Helper()
		if got, err := w.choose(context.Background(), rates.training); got != 16 || err != nil {
			t.Errorf("%s: width %d, error %v", what, got, err)
		}
		if again {
			measured += widthRounds
		}
		if f.measured["16"] != measured {
			t.Errorf("%s: measured %d times, want %d", what, f.measured["16"], measured)
		}
	}
	choose("nothing kept", true)
	choose("kept", false)
	files, err := filepath.Glob(filepath.Join(w.folder, "*.cache"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, error %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, data[:len(data)-3], bytes.Replace(data, []byte("80"), []byte("10"), 1)} {
		if err := os.WriteFile(files[0], bad, 0o666); err != nil {
			t.Fatal(err)
		}
		choose("damaged", true)
		choose("mended", false)
	}
	f.info.Driver = "another"
	choose("another driver", true)
	w.folder = ""
	choose("kept nowhere", true)
	choose("kept nowhere", true)
}

// TestWidthCheckRunsMorton measures the device at hand.
func TestWidthCheckRunsMorton(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	t.Setenv("MORTON_CACHE", t.TempDir())
	var said bytes.Buffer
	w := newWidthCheck("auto", &said)
	got, err := w.choose(context.Background(), rates.training)
	if err != nil || got != 0 && !slices.Contains(candidates, got) {
		t.Fatalf("width %d, error %v", got, err)
	}
	if dev.OnCPU() && os.Getenv("LP_NATIVE_VECTOR_WIDTH") == "" && !strings.Contains(said.String(), "[8 16]") {
		t.Errorf("said %q", &said)
	}
	if again, err := newWidthCheck("auto", &said).choose(context.Background(), rates.training); again != got || err != nil || strings.Count(said.String(), "\n") > 1 {
		t.Errorf("again: width %d, error %v, said %q", again, err, &said)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := newWidthCheck("auto", &said).choose(ctx, rates.training); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestDrawing(t *testing.T) {
	r := rates{1, 2, 3, 4}
	for rows, want := range map[int]float64{1: 2, 4: 3, 8: 3, 17: 4, 100: 4} {
		if got := drawing(rows)(r); got != want {
			t.Errorf("%d rows: %g, want %g", rows, got, want)
		}
	}
}
