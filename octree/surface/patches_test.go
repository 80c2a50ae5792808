package surface

import (
	"math/bits"
	"testing"
)

// cycle walks a patch over the cell's faces and returns how many edges it
// passes before it is back.
func cycle(signs uint8, cutOutside bool, start int) patch {
	next := map[int][]int{}
	for f := range cellFaces {
		for _, l := range cellFaces[f].links(signs, cutOutside) {
			next[l[0]] = append(next[l[0]], l[1])
			next[l[1]] = append(next[l[1]], l[0])
		}
	}
	walked, before, at := patch(0), -1, start
	for walked>>at&1 == 0 {
		walked |= 1 << at
		if len(next[at]) != 2 {
			return 0
		}
		to := next[at][0]
		if to == before {
			to = next[at][1]
		}
		before, at = at, to
	}
	if at != start {
		return 0
	}
	return walked
}

func TestPatchesAreCycles(t *testing.T) {
	for rule := range 2 {
		for signs := range 256 {
			var all patch
			for _, p := range cellTopology[rule][signs].patches {
				if all&p != 0 {
					t.Fatalf("signs %08b: patches share an edge", signs)
				}
				all |= p
				if got := cycle(uint8(signs), rule == 1, bits.TrailingZeros16(uint16(p))); got != p {
					t.Fatalf("signs %08b: patch %012b is not the cycle %012b", signs, p, got)
				}
			}
			for e := range 12 {
				low, high := edgeCorners(e)
				crossed := inside(uint8(signs), low) != inside(uint8(signs), high)
				if crossed != (all>>e&1 == 1) {
					t.Fatalf("signs %08b: edge %d crossed %v, patches say %012b", signs, e, crossed, all)
				}
			}
		}
	}
}

// A tangled cell has one alternating face only, and the other rule untangles it.
func TestTangledCells(t *testing.T) {
	count := 0
	for signs := range 256 {
		if tangled[signs] < 0 {
			continue
		}
		count++
		alternating := 0
		for f := range cellFaces {
			if len(cellFaces[f].links(uint8(signs), true)) == 2 {
				alternating++
				l := cellFaces[f].links(uint8(signs), true)
				topo := &cellTopology[1][signs]
				if topo.of[l[0][0]] == topo.of[l[1][0]] {
					t.Errorf("signs %08b: tangled under both rules", signs)
				}
				if f != int(tangled[signs]) {
					t.Errorf("signs %08b: alternating face %d, tangled face %d", signs, f, tangled[signs])
				}
			}
		}
		if alternating != 1 {
			t.Errorf("signs %08b: %d alternating faces", signs, alternating)
		}
	}
	if count == 0 {
		t.Error("no tangled cell found")
	}
}

// Both cells at a face must join its edges alike: the links depend on the
// face's own corners only.
func TestLinksMatchAcrossFaces(t *testing.T) {
	for axis := range 3 {
		low, high := &cellFaces[2*axis], &cellFaces[2*axis+1]
		for pattern := range 16 {
			var a, b uint8
			for i := range 4 {
				a |= uint8(pattern>>i&1) << low.corners[i]
				b |= uint8(pattern>>i&1) << high.corners[i]
			}
			for _, rule := range []bool{false, true} {
				x, y := low.links(a, rule), high.links(b, rule)
				if len(x) != len(y) {
					t.Fatalf("axis %d pattern %04b: %v and %v", axis, pattern, x, y)
				}
				for i := range x {
					for j := range 2 {
						p, _ := edgeCorners(x[i][j])
						q, _ := edgeCorners(y[i][j])
						if x[i][j]>>2 != y[i][j]>>2 || p+axisBit(axis) != q {
							t.Fatalf("axis %d pattern %04b: %v and %v", axis, pattern, x, y)
						}
					}
				}
			}
		}
	}
}
