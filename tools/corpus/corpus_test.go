package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

func TestShares(t *testing.T) {
	weights := func(w ...float64) (list []kind) {
		for _, x := range w {
			list = append(list, kind{weight: x})
		}
		return list
	}
	for _, c := range []struct {
		sources []kind
		n       int
		want    []int
	}{
		{weights(1), 7, []int{7}},
		{weights(1, 1, 2), 8, []int{2, 2, 4}},
		{weights(1, 1, 1), 10, []int{3, 4, 3}},
		{weights(0.1, 0.1, 0.1, 9.7), 10, []int{0, 0, 0, 10}},
	} {
		if got := shares(c.sources, c.n); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%d clips: %v, want %v", c.n, got, c.want)
		}
	}
}

func TestPrepareRefusesAnOldCorpus(t *testing.T) {
	out := filepath.Join(t.TempDir(), "corpus")
	if err := errors.Join(prepare(out), prepare(out)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, trainFolder, "a.obj"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := prepare(out); !errors.Is(err, errNotEmpty) {
		t.Fatalf("a folder with a mesh: %v, want errNotEmpty", err)
	}
}

func box() *mesh.Mesh {
	m := &mesh.Mesh{}
	for i := range 8 {
		m.AddVertex(mesh.Vec3{float64(i & 1), float64(i >> 1 & 1), float64(i >> 2)})
	}
	for _, f := range [][]int32{{0, 2, 3, 1}, {4, 5, 7, 6}, {0, 1, 5, 4}, {2, 6, 7, 3}, {0, 4, 6, 2}, {1, 3, 7, 5}} {
		if err := m.AddFace(f...); err != nil {
			panic(err)
		}
	}
	return m
}

// TestWanted sends parts through the filter of the quads corpus.
func TestWanted(t *testing.T) {
	q := &quadCorpus{minFaces: 6, maxFaces: 800, seen: map[string]bool{}}
	if s := measure(box()); !s.closed || s.quads != 6 || s.faces != 6 {
		t.Fatalf("cube: %+v", s)
	}
	if _, ok := q.wanted(box(), measure(box())); !ok {
		t.Error("a cube is not wanted")
	}
	turned := mesh.Transformed(box(), mesh.Matrix{0, 3, 0, 0, -3, 0, 0, 0, 0, 0, 3, 0, 5, 6, 7, 1})
	if _, ok := q.wanted(turned, measure(turned)); ok || q.repeated != 1 {
		t.Error("a cube that is turned, larger and elsewhere is wanted again")
	}
	open := box()
	open.Starts = open.Starts[:6]
	open.Corners = open.Corners[:20]
	s := measure(open)
	if _, ok := q.wanted(open, s); ok || s.closed || q.small != 1 {
		t.Errorf("a cube without lid: %+v, %d too small", s, q.small)
	}
	q.minFaces = 5
	if _, ok := q.wanted(open, s); !ok {
		t.Error("a cube without lid is not wanted")
	}
}

func TestFewest(t *testing.T) {
	list := func(signatures ...string) (c []candidate) {
		for _, s := range signatures {
			c = append(c, candidate{signature: s})
		}
		return c
	}
	if got := fewest(list("c", "a", "d", "b"), 2); !reflect.DeepEqual(got, list("a", "b")) {
		t.Errorf("two of four: %v", got)
	}
	if got := fewest(list("c", "a"), 2); !reflect.DeepEqual(got, list("c", "a")) {
		t.Errorf("two of two: %v", got)
	}
}
