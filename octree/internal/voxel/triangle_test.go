package voxel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

// Slide must say of every place on the line what Overlaps says there, and its
// ends must have outward normals.
func TestSlideAgreesWithOverlaps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	point := func() mesh.Vec3 { return mesh.Vec3{4 * r.Float64(), 4 * r.Float64(), 4 * r.Float64()} }
	hits := 0
	for trial := range 2000 {
		a, b, c := point(), point(), point()
		if trial%5 == 0 {
			c = b
		}
		tri := New(a, b, c)
		start, along, half := point(), trial%3, 0.5
		s := tri.Slide(start, along, half)
		for range 20 {
			at := 8*r.Float64() - 4
			center := start
			center[along] += at
			want := tri.Overlaps(center, half)
			if got := s.From <= at && at <= s.To; got != want && math.Abs(at-s.From) > 1e-9 && math.Abs(at-s.To) > 1e-9 {
				t.Fatalf("trial %d at %v: span %v to %v, overlap %v", trial, at, s.From, s.To, want)
			}
			if want {
				hits++
			}
		}
		if s.From < s.To && (s.AtTo[along] <= 0 || s.AtFrom[along] >= 0) {
			t.Fatalf("trial %d: normals %v and %v along axis %d", trial, s.AtFrom, s.AtTo, along)
		}
	}
	if hits < 1000 {
		t.Errorf("only %d hits", hits)
	}
}

// Every cell that Cells visits overlaps and no other does, on both of its ways.
func TestCellsVisitsWhatOverlaps(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for trial := range 300 {
		size := []float64{0.5, 3, 16}[trial%3]
		a := mesh.Vec3{16 * r.Float64(), 16 * r.Float64(), 16 * r.Float64()}
		corner := func() mesh.Vec3 {
			return a.Add(mesh.Vec3{r.Float64() - 0.5, r.Float64() - 0.5, r.Float64() - 0.5}.Scale(size))
		}
		tri := New(a, corner(), corner())
		grid := Grid{Depth: 4, Pad: []float64{0, 0.5}[trial%2]}
		visited := map[[3]int]int{}
		grid.Cells(&tri, func(x, y, z int) { visited[[3]int{x, y, z}]++ })
		for i := range 1 << 12 {
			cell := [3]int{i >> 8, i >> 4 & 15, i & 15}
			center := mesh.Vec3{float64(cell[0]) + 0.5, float64(cell[1]) + 0.5, float64(cell[2]) + 0.5}
			want := 0
			if tri.Overlaps(center, 0.5+grid.Pad+Tolerance) {
				want = 1
			}
			if visited[cell] != want {
				t.Fatalf("trial %d: cell %v visited %d times, want %d", trial, cell, visited[cell], want)
			}
		}
	}
}
