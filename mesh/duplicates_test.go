package mesh

import (
	"slices"
	"testing"
)

func TestDuplicateFaces(t *testing.T) {
	m := Grid(1) // 0 1 3 2
	m.appendFace([]int32{3, 2, 0, 1})
	m.appendFace([]int32{2, 3, 1, 0}) // the back side
	m.appendFace([]int32{0, 1, 3})
	m.appendFace([]int32{1, 3, 0})
	if got, want := duplicateFaces(m), []bool{false, true, false, false, true}; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

func TestLeastRotation(t *testing.T) {
	for _, face := range [][]int32{{2, 0, 1}, {1, 0, 3, 0, 2}, {0, 1, 0, 1}, {0, 0, 1, 0, 0, 2}} {
		best := leastRotation(face)
		for i := range face {
			if compareRotated(face, face, int32(i), best) < 0 {
				t.Errorf("%v: offset %d reads lower than %d", face, i, best)
			}
		}
	}
}
