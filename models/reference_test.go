package models

import (
	"reflect"
	"testing"

	"github.com/morton-gen/morton/internal/doctable"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/systems"
	"github.com/morton-gen/morton/models/tokenizer/cube"
	"github.com/morton-gen/morton/models/tokenizer/faces"
	"github.com/morton-gen/morton/models/tokenizer/octree"
	"github.com/morton-gen/morton/models/train"
)

// TestReferencePage holds docs/reference/models.md to the configurations.
func TestReferencePage(t *testing.T) {
	for heading, of := range map[string]reflect.Type{
		"config.json": reflect.TypeFor[Config](), "network": reflect.TypeFor[systems.Decoder](), "quad": reflect.TypeFor[faces.Config](),
		"octree": reflect.TypeFor[octree.Config](), "tokenizer.json": reflect.TypeFor[cube.Config](), "tokenizer": reflect.TypeFor[cube.Tokenizer](),
		"conv": reflect.TypeFor[cube.Conv](), "depth": reflect.TypeFor[cube.Depth](), "motion": reflect.TypeFor[cube.Motion](),
		"sampling": reflect.TypeFor[Sampling](), "metrics.jsonl": reflect.TypeFor[train.Metrics](),
	} {
		names, err := doctable.Names("../docs/reference/models.md", heading)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, fault := range doctable.Compare(names, doctable.Fields(of)) {
			t.Errorf("%s: %s", heading, fault)
		}
	}
}

// TestSystemsPage compares the table of docs/systems.md with the systems of this build.
func TestSystemsPage(t *testing.T) {
	names, err := doctable.Names("../docs/systems.md", "Published systems")
	if err != nil {
		t.Fatal(err)
	}
	var registered []string
	for _, p := range system.All() {
		if !p.Own {
			registered = append(registered, p.Name)
		}
	}
	for _, fault := range doctable.Compare(names, registered) {
		t.Error(fault)
	}
}
