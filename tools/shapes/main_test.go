package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu/gputest"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// meshes is a folder of two fixtures, of which one has too many faces for a test.
func meshes(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"cc-0_crate.obj", "cc-0_horse2.obj"} {
		data, err := os.ReadFile(filepath.Join("../../testdata/mesh", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func drawn(t *testing.T, args ...string) (path, report string) {
	t.Helper()
	dir := t.TempDir()
	var out bytes.Buffer
	if err := draw(context.Background(), append(args, "--out", dir), &out); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "part-00000.parquet"), out.String()
}

// TestDrawIsDeterministic: one processor and four write the same bytes, of shapes and of
// copies of files; samples come in order, and what does not fit is left out.
func TestDrawIsDeterministic(t *testing.T) {
	from := meshes(t)
	for kind, args := range map[string][]string{
		"quads": {"--kind", "quads", "--count", "12", "--from", from, "--copies", "3", "--max-faces", "432", "--points", "16"},
		"shape": {"--kind", "shape", "--count", "3", "--depth", "3", "--deepest", "4", "--side", "heldout"},
	} {
		var files [2][]byte
		for i, n := range []int{1, 4} {
			before := runtime.GOMAXPROCS(n)
			path, report := drawn(t, args...)
			runtime.GOMAXPROCS(before)
			var err error
			if files[i], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
			samples, err := shard.ReadAll(path, shard.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if want := map[string]int{"quads": 15, "shape": 3}[kind]; len(samples) != want {
				t.Fatalf("%s: %d samples, want %d: %s", kind, len(samples), want, report)
			}
			if kind == "quads" && (samples[12].ID != "cc-0_crate.obj-0" || samples[14].ID != "cc-0_crate.obj-2" || samples[0].Grid[0] != 16) {
				t.Errorf("samples %s, %s, grid %v", samples[12].ID, samples[14].ID, samples[0].Grid)
			}
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("%s: the number of processors changes the bytes", kind)
		}
	}
}

// TestTrainResumes: three steps at once give the weights of a run that is cut off after
// a step and goes on.
func TestTrainResumes(t *testing.T) {
	tokens, _ := drawn(t, "--count", "20", "--points", "16")
	heldout, _ := drawn(t, "--count", "4", "--points", "16", "--side", "heldout")
	args := []string{
		"--system", "quad", "--tokens", filepath.Dir(tokens), "--heldout", filepath.Dir(heldout), "--points", "16", "--steps", "3", "--batch", "2",
		"--width", "32", "--layers", "1", "--heads", "1", "--hidden", "64", "--context", "64", "--max-heldout", "2",
	}
	weights := func(dir string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	whole, cut := t.TempDir(), t.TempDir()
	var out bytes.Buffer
	if err := trainModel(context.Background(), append(args, "--out", whole), &out); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "held-out") < 3 {
		t.Errorf("progress: %s", &out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := trainModel(ctx, append(args, "--out", cut), &after{n: 1, say: "step ", do: cancel})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled training: %v", err)
	}
	if err := trainModel(context.Background(), append(args, "--out", cut), io.Discard); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(weights(whole), weights(cut)) {
		t.Error("a resumed training gives other weights")
	}
}

// after calls do once n writes have had a text.
type after struct {
	n   int
	say string
	do  func()
}

func (a *after) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte(a.say)) {
		if a.n--; a.n == 0 {
			a.do()
		}
	}
	return len(p), nil
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"--kind", "video", "--out", "x"}, {"--side", "both", "--out", "x"}, {}, {"--out", "x", "--depth", "7"}} {
		if err := draw(context.Background(), args, io.Discard); !errors.Is(err, errFlags) {
			t.Errorf("draw %v: %v", args, err)
		}
	}
	if err := draw(context.Background(), []string{"--none"}, io.Discard); err == nil || errors.Is(err, flag.ErrHelp) {
		t.Errorf("an unknown flag: %v", err)
	}
	if err := trainModel(context.Background(), []string{"--system", "cube"}, io.Discard); !errors.Is(err, errFlags) {
		t.Errorf("train: %v", err)
	}
	if err := trainModel(context.Background(), []string{"--tokens", t.TempDir()}, io.Discard); !errors.Is(err, errFlags) {
		t.Errorf("train without shards: %v", err)
	}
}

// TestUpright: samples of upright shapes have their family as a class, copies of files have
// none, and mesh files of the same numbers show the same shapes.
func TestUpright(t *testing.T) {
	args := []string{"--count", "6", "--seed", "5", "--upright", "--from", meshes(t), "--max-faces", "432"}
	path, _ := drawn(t, append(args, "--kind", "shape", "--depth", "3", "--deepest", "3")...)
	r, err := shard.Open(path, shard.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	mesh, _ := drawn(t, append(args, "--kind", "mesh")...)
	for i := 0; ; i++ {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			if i != 7 {
				t.Errorf("%d samples", i)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(s.ID, "-")
		if class := len(s.Grid) == 2; class != (i < 6) || class && classes()[s.Grid[1]] != name {
			t.Errorf("%s has grid %v", s.ID, s.Grid)
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(mesh), s.ID+".obj")); err != nil {
			t.Error(err)
		}
	}
}
