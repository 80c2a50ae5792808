package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/tokenizer/faces"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// TestPairs draws with the shipped model, and measures both meshes of every pair.
func TestPairs(t *testing.T) {
	gputest.Open(t, gpu.Options{})
	path := filepath.Join(t.TempDir(), "pairs.parquet")
	var out bytes.Buffer
	err := run(context.Background(), []string{
		"--model", "../../models/shipped/quad", "--input", "../../testdata/mesh/cc-0_rock2.obj", "--candidates", "6", "--faces", "12", "--out", path,
	}, &out)
	if err != nil {
		t.Fatal(err)
	}
	r, err := shard.Open(path, shard.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var reports []mesh.Report
	c := faces.Config{Levels: 128, Points: 128}
	for i := range r.Len() {
		s, err := r.At(i)
		if err != nil {
			t.Fatal(err)
		}
		_, tokens, err := c.Lay(s)
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := c.Mesh(tokens)
		if err != nil {
			t.Fatal(err)
		}
		report, err := mesh.Measure(m)
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, report)
	}
	if len(reports) < 2 || len(reports)%2 != 0 || !strings.Contains(out.String(), " pairs of 1 files") {
		t.Fatalf("%d samples: %s", len(reports), out.String())
	}
	for i := 0; i < len(reports); i += 2 {
		if a, b := reports[i], reports[i+1]; !(a.EdgeLoopLength > b.EdgeLoopLength && a.BoundaryEdgeRatio < b.BoundaryEdgeRatio) {
			t.Errorf("pair %d: loops of %g and %g, open %g and %g", i/2, a.EdgeLoopLength, b.EdgeLoopLength, a.BoundaryEdgeRatio, b.BoundaryEdgeRatio)
		}
	}
	for _, args := range [][]string{{}, {"--model", "m", "--out", "o", "--input", "nothing-*"}, {"--model", "m", "--out", "o", "--input", "main.go", "--candidates", "1"}} {
		if err := run(context.Background(), args, &out); !errors.Is(err, errFlags) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
