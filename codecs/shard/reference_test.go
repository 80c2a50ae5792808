package shard

import (
	"bytes"
	"os"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/morton-gen/morton/internal/doctable"
)

// TestReferencePage holds docs/reference/shards.md to the columns of a shard, as another
// reader finds them, and to the kinds.
func TestReferencePage(t *testing.T) {
	path := t.TempDir() + "/a.parquet"
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Write(Sample{ID: "a", Kind: KindQuad}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, field := range f.Schema().Fields() {
		columns = append(columns, field.Name())
	}
	for heading, want := range map[string][]string{"Columns": columns, "Kinds": {KindCube, KindOctree, KindQuad, KindVQ, KindScales, KindKL, KindLARP, KindVAE3D, KindStar, KindOctreeCodes, KindPlanes}} {
		names, err := doctable.Names("../../docs/reference/shards.md", heading)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range doctable.Compare(names, want) {
			t.Errorf("%s: %s", heading, fault)
		}
	}
}
