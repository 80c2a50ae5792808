package systems

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cube"
	"github.com/morton-gen/morton/models/tokenizer/faces"
	"github.com/morton-gen/morton/models/tokenizer/octree"
)

// small describes a small network.
var small = Decoder{Width: 96, Layers: 1, Heads: 2, Hidden: 64, RopeTheta: 100, Context: 256, Length: 4096}

// ownSections has a section for each of our own systems.
func ownSections() Sections {
	return Sections{
		Network: small, Quad: &faces.Config{Levels: 128, Points: 64}, Octree: &octree.Config{MinDepth: 2, MaxDepth: 6},
		Cube: &cube.Config{Size: 32, Cell: [3]int{4, 8, 8}, Group: [3]int{2, 2, 2}, Rate: [2]int{25, 1}, Tokenizer: cube.Tokenizer{
			Bits: 40, Width: 32, Heads: 2, Hidden: 32, Window: 8, RopeTheta: 100,
		}},
	}
}

func openOwn(t *testing.T, name string) *system.System {
	t.Helper()
	s := ownSections()
	if err := s.Fill(name); err != nil {
		t.Fatal(err)
	}
	out, err := s.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// laid drives a schedule with known tokens, as training does, and joins its runs.
func laid(t *testing.T, s *system.System, p system.Prompt, tokens []uint32) (all system.Run) {
	t.Helper()
	runs, err := s.Schedule(p)
	if err != nil {
		t.Fatal(err)
	}
	for words := s.Token.Words(); all.N < len(tokens)/words; {
		r, err := runs.Next(tokens[:all.N*words])
		if err != nil {
			t.Fatalf("%d rows of %d: %v", all.N, len(tokens)/words, err)
		}
		if r.GroupTargets > 0 && r.Targets.At[0] != int32(all.N) {
			t.Fatalf("row %d predicts position %d", all.N, r.Targets.At[0])
		}
		all.N += r.N
		all.Fixed, all.Inputs, all.Axes, all.KVLen = append(all.Fixed, r.Fixed...), append(all.Inputs, r.Inputs...), append(all.Axes, r.Axes...), append(all.KVLen, r.KVLen...)
		all.Targets.At, all.Targets.TokenRange = append(all.Targets.At, r.Targets.At...), append(all.Targets.TokenRange, r.Targets.TokenRange...)
	}
	return all
}

func ball(t *testing.T, s *system.System, depth int) (system.Prompt, []uint32) {
	t.Helper()
	k, err := s.Tokenizer(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	sample, _, err := k.Encode("ball", system.Media{Mesh: mesh.QuadSphere(8)}, system.Extent{Depth: depth})
	if err != nil {
		t.Fatal(err)
	}
	p, tokens, err := s.Flatten(sample)
	if err != nil {
		t.Fatal(err)
	}
	return p, tokens
}

// clipSample is a sample of codes that count up.
func clipSample(frames int) shard.Sample {
	s := shard.Sample{ID: "clip", Kind: shard.KindCube, Grid: []int32{int32(frames), 4, 4, 2}}
	for i := range frames * 4 * 4 * 2 {
		s.Tokens = append(s.Tokens, int64(i%256))
	}
	return s
}

// TestRowsKeepTheirRules checks what every order of ours has to keep. A row is fed what
// lies before its group, sees no further than it, has ids of the table, and may draw the
// token that the sample has.
func TestRowsKeepTheirRules(t *testing.T) {
	for _, name := range []string{"cube", "octree", "quad"} {
		s := openOwn(t, name)
		p, tokens := system.Prompt{Frames: 16}, []uint32(nil)
		var err error
		if name == "cube" {
			p, tokens, err = s.Flatten(clipSample(4))
		} else {
			p, tokens = ball(t, s, 5)
		}
		if err != nil {
			t.Fatal(err)
		}
		all := laid(t, s, p, tokens)
		l, words := s.Layout, s.Token.Words()
		if all.N != len(tokens)/words || len(all.Targets.At) != all.N-len(p.Given)/words {
			t.Errorf("%s: %d rows and %d draws for %d tokens", name, all.N, len(all.Targets.At), len(tokens)/words)
		}
		for row := range all.N {
			group := row / l.Group * l.Group
			for _, id := range all.Fixed[row*l.Fixed : (row+1)*l.Fixed] {
				if int(id) >= l.Base || id < -1 {
					t.Fatalf("%s row %d: fixed id %d of %d", name, row, id, l.Base)
				}
			}
			for _, from := range all.Inputs[row*l.Inputs : (row+1)*l.Inputs] {
				if int(from) >= group || from < system.Start {
					t.Fatalf("%s row %d is fed %d", name, row, from)
				}
			}
			if int(all.KVLen[row]) != group+l.Group {
				t.Fatalf("%s row %d sees %d", name, row, all.KVLen[row])
			}
		}
		for i, at := range all.Targets.At {
			lo, hi := all.Targets.TokenRange[2*i], all.Targets.TokenRange[2*i+1]&0xffffff
			if x := int32(tokens[int(at)*words]); s.Token.Bits == 0 && (x < lo || x >= hi) {
				t.Fatalf("%s position %d: token %d outside [%d, %d)", name, at, x, lo, hi)
			}
		}
	}
}

// TestGivenTokensChangeNoRow asks for samples with some tokens given, and compares the
// rows with those of nothing given.
func TestGivenTokensChangeNoRow(t *testing.T) {
	cubeSystem, tree := openOwn(t, "cube"), openOwn(t, "octree")
	clipPrompt, clipTokens, err := cubeSystem.Flatten(clipSample(6))
	if err != nil {
		t.Fatal(err)
	}
	treePrompt, treeTokens := ball(t, tree, 5)
	levels := []int{0, 1, 9} // nodes before the first levels
	for _, c := range []struct {
		s      *system.System
		p      system.Prompt
		tokens []uint32
		given  []int
	}{
		{cubeSystem, clipPrompt, clipTokens, []int{8, 32, 96}}, {tree, treePrompt, treeTokens, levels},
	} {
		want := laid(t, c.s, c.p, c.tokens)
		for _, n := range c.given {
			p := c.p
			p.Given = c.tokens[:n*c.s.Token.Words()]
			got := laid(t, c.s, p, c.tokens)
			if !reflect.DeepEqual(got.Rows, want.Rows) || !slices.Equal(got.Targets.TokenRange, want.Targets.TokenRange[2*n:]) {
				t.Errorf("%s: %d given positions change rows", c.s.Name, n)
			}
		}
	}
	for _, given := range []int{3, 5, len(treeTokens) / 4} { // within a level, and a leaf
		p := treePrompt
		p.Given = treeTokens[:given*4]
		if _, err := tree.Schedule(p); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%d given positions of an octree: %v", given, err)
		}
	}
	clipPrompt.Given = clipTokens[:2*3]
	if _, err := cubeSystem.Schedule(clipPrompt); !errors.Is(err, system.ErrPrompt) {
		t.Errorf("three cells of a cube are given: %v", err)
	}
}

// TestFacesAreFedByTheirRule compares what a coordinate is fed with the list of its rule.
func TestFacesAreFedByTheirRule(t *testing.T) {
	s := openOwn(t, "quad")
	p, tokens := ball(t, s, 0)
	all, points := laid(t, s, p, tokens), s.Layout.Sinks
	for row := range all.N {
		for k, b := range []int{1, 2, 3, 6, 9, sequence.FaceTokens} {
			want := row - b
			if want < points {
				want = system.Start
			}
			if got := int(all.Inputs[row*order.FaceInputs+k]); got != want {
				t.Fatalf("row %d is fed %d, want %d", row, got, want)
			}
		}
	}
	if points != 64 || s.Token.End != 129 {
		t.Errorf("%d points, end %d", points, s.Token.End)
	}
	p.Points = slices.Clone(p.Points)
	p.Points[3] = 1 << 24
	if _, err := s.Schedule(p); !errors.Is(err, system.ErrPrompt) {
		t.Errorf("a point out of range: %v", err)
	}
}

// TestSectionsRefuse checks descriptions that are no system's.
func TestSectionsRefuse(t *testing.T) {
	for name, change := range map[string]func(*Sections){
		"no heads":        func(s *Sections) { s.Network.Heads = 0 },
		"no width":        func(s *Sections) { s.Network.Width = 0 },
		"no section":      func(s *Sections) { s.Quad = nil },
		"a wrong section": func(s *Sections) { s.Quad.Levels = 1 },
	} {
		s := ownSections()
		change(&s)
		if err := s.Fill("quad"); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := ownSections()
	if err := s.Fill("llamagen"); !errors.Is(err, nn.ErrConfig) {
		t.Errorf("another's name: %v", err)
	}
	if err := s.Fill("quad"); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Decoder){
		"vocabulary": func(d *Decoder) { d.Vocab += 2 }, "rope": func(d *Decoder) { d.RopePairs = []int{12, 12, 0} },
		"group": func(d *Decoder) { d.Group = 2 }, "faces": func(d *Decoder) { d.Faces.Start++ }, "length": func(d *Decoder) { d.Length = 1 << 30 },
	} {
		other := s
		change(&other.Network)
		if _, err := other.Open("quad"); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestClassesOfOctrees: the class is an id of every row, which the other branch of guidance
// has as any. Classes that the model lacks are refused, in requests and in samples.
func TestClassesOfOctrees(t *testing.T) {
	sections := ownSections()
	sections.Octree.Classes = []string{"any", "ball", "box"}
	if err := sections.Fill("octree"); err != nil {
		t.Fatal(err)
	}
	s, err := sections.Open("octree")
	if err != nil {
		t.Fatal(err)
	}
	k := octree.Tokenizer{Config: *sections.Octree}
	sample, _, err := k.Encode("ball", system.Media{Mesh: mesh.QuadSphere(8)}, system.Extent{Depth: 4})
	if err != nil {
		t.Fatal(err)
	}
	grid := sample.Grid
	for class, known := range []bool{true, true, true, false} {
		sample.Grid = append(slices.Clone(grid), int32(class))
		p, tokens, err := s.Flatten(sample)
		if (err == nil) != known || err != nil && !errors.Is(err, octree.ErrSample) {
			t.Fatalf("a sample of class %d: %v", class, err)
		}
		if !known {
			break
		}
		runs, err := s.Schedule(p)
		if err != nil || p.Class != class {
			t.Fatalf("a sample of class %d lies as %d: %v", class, p.Class, err)
		}
		for at := 0; at < len(tokens); {
			r, err := runs.Next(tokens[:at])
			if err != nil {
				t.Fatal(err)
			}
			at += r.N * s.Token.Words()
			if (r.Other != nil) != (class > 0) {
				t.Fatalf("class %d: another branch of its own: %v", class, r.Other != nil)
			}
			for i, id := range r.Fixed {
				of, other := i%s.Layout.Fixed == order.LevelFixed, r.Branch(1).Fixed[i]
				if want := int32(order.LevelIds + class); of && id != want || of && other != order.LevelIds || !of && other != id {
					t.Fatalf("class %d: id %d of a row is %d, and %d in the other branch", class, i%s.Layout.Fixed, id, other)
				}
			}
		}
	}
	for class, of := range map[int]*system.System{3: s, -1: s, 1: openOwn(t, "octree")} {
		if _, err := of.Schedule(system.Prompt{Depth: 4, Class: class}); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("class %d of %d: %v", class, len(of.Classes), err)
		}
	}
}
