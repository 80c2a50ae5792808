package order

import (
	"slices"
	"testing"

	"github.com/morton-gen/morton/models/system"
)

// TestScalesFed checks that the rows of a scale are fed all tokens before it, each once and
// in order, and that they see them and each other.
func TestScalesFed(t *testing.T) {
	s := Scales{Sides: []int{1, 2, 3, 4, 5, 6, 8, 10, 13, 16}, Fed: 2, Guide: func(k int) float32 { return 1 + float32(k) }}.Schedule()
	at := 0
	for k := range 10 {
		r, err := s.Next(nil)
		if err != nil {
			t.Fatal(err)
		}
		fed := slices.DeleteFunc(slices.Clone(r.Fed), func(p int32) bool { return p == system.Nothing })
		if !slices.Equal(fed, count(0, at)) || len(r.Fed) != 2*r.N || r.Stage != k {
			t.Fatalf("scale %d, stage %d: %d fed tokens of %d, in a column of %d", k, r.Stage, len(fed), at, len(r.Fed))
		}
		at += r.N
		if slices.ContainsFunc(r.Sees, func(n int32) bool { return int(n) != at }) || r.Draws.Scale[r.N-1] != 1+float32(k) {
			t.Errorf("scale %d sees %v, guided by %v", k, r.Sees, r.Draws.Scale)
		}
	}
}
