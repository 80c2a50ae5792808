package cells

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree"
)

// TestHull checks hulls of random cells: closed, and as large as the cells.
func TestHull(t *testing.T) {
	const level = 3
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var nodes []octree.Key
		faces := 0
		there := map[octree.Key]bool{}
		for _, k := range octree.Full(level) {
			if r.IntN(3) == 0 {
				nodes, there[k] = append(nodes, k), true
			}
		}
		for _, k := range nodes {
			for _, s := range sides {
				if next, ok := k.Offset(level, s.step[0], s.step[1], s.step[2]); !ok || !there[next] {
					faces++
				}
			}
		}
		m := Hull(nodes, level)
		volume := 0.0
		for f := range m.NumFaces() {
			c := m.Face(f)
			for i := 1; i < 3; i++ {
				volume += m.Vertices[c[0]].Dot(m.Vertices[c[i]].Cross(m.Vertices[c[i+1]])) / 6
			}
		}
		if want := float64(len(nodes)) / 64; m.Validate() != nil || m.NumFaces() != faces || volume < want*0.999999 || volume > want*1.000001 {
			t.Errorf("%d cells: %d faces of %d, volume %g of %g", len(nodes), m.NumFaces(), faces, volume, want)
		}
	}
}

// TestBegin gives the first levels of a mesh, and gets the hull of its cells back.
func TestBegin(t *testing.T) {
	source, _, err := meshfile.Read(filepath.Join("..", "..", "..", "testdata", "mesh", "scopia_bowl.obj"), meshfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	k := Tokenizer{Top: 3, Depth: 6}
	b, err := k.Begin("bowl", system.Media{Mesh: source}, system.Extent{PrefixDepth: 6})
	if err != nil {
		t.Fatal(err)
	}
	nodes := octree.Full(3)
	given := b.Prompt.Given
	for d, at := 3, 0; d < 6; d++ {
		next := octree.Split(nodes, given[at:at+len(nodes)])
		at, nodes = at+len(nodes), next
	}
	media, sample, measures, err := b.Finish(append(given, make([]uint32, len(nodes))...))
	if err != nil || measures["nodes"] != float64(len(nodes)) {
		t.Fatalf("%v, %v", measures, err)
	}
	lo, hi := mesh.Bounds(source)
	low, high := mesh.Bounds(media.Mesh)
	for a := range 3 { // cells are a fifth wider than a thirty-second of the longest side
		if low[a] > lo[a] || high[a] < hi[a] || high[a]-low[a] > hi[a]-lo[a]+0.2*(hi[0]-lo[0]+hi[1]-lo[1]+hi[2]-lo[2]) {
			t.Errorf("axis %d: from %g to %g, the source from %g to %g", a, low[a], high[a], lo[a], hi[a])
		}
	}
	sample.Tokens = sample.Tokens[:len(sample.Tokens)-1]
	if _, _, err := k.Decode(sample); !errors.Is(err, shard.ErrSample) {
		t.Errorf("a code less: %v", err)
	}
	if _, err := k.Begin("bowl", system.Media{Mesh: source}, system.Extent{PrefixDepth: 3}); !errors.Is(err, system.ErrPrompt) {
		t.Errorf("no level given: %v", err)
	}
	if _, _, err := k.Encode("bowl", system.Media{Mesh: source}, system.Extent{}); !errors.Is(err, ErrCodes) {
		t.Errorf("codes: %v", err)
	}
}
