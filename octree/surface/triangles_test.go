package surface

import "testing"

// TestTrianglesCoverPatches holds that the triangles of a pattern have as their rims the cycles
// of its patches, that they look outwards, and that no other side lies in a face.
func TestTrianglesCoverPatches(t *testing.T) {
	for signs := range 256 {
		next := cycles(uint8(signs))
		sides := map[[2]int8]bool{}
		for _, tri := range cellTriangles[signs] {
			for i := range 3 {
				side := [2]int8{tri[i], tri[(i+1)%3]}
				if side[0] == side[1] || sides[side] {
					t.Fatalf("signs %08b: side %v comes twice", signs, side)
				}
				sides[side] = true
			}
		}
		rims := 0
		for side := range sides {
			rim := next[side[0]] == side[1]
			if rim {
				rims++
			}
			if rim == sides[[2]int8{side[1], side[0]}] || !rim && coplanar(side[0], side[1]) {
				t.Fatalf("signs %08b: side %v, next is %d", signs, side, next[side[0]])
			}
		}
		for e, to := range next {
			if (to >= 0) != (cellTopology[0][signs].of[e] >= 0) || to >= 0 && cellTopology[0][signs].of[e] != cellTopology[0][signs].of[to] {
				t.Fatalf("signs %08b: edge %d is followed by %d", signs, e, to)
			}
			if to >= 0 {
				rims--
			}
		}
		if rims != 0 {
			t.Fatalf("signs %08b: %d more rims than crossed edges", signs, rims)
		}
	}
}
