package surface

import "math/bits"

// An edge of a cell has number 4·axis + 2·u + v, where u and v are its place
// along the next two axes in cyclic order. A corner has number 4x + 2y + z.

// patch is one sheet of surface inside a cell: the set of the cell's edges it
// crosses, bit e for edge e, which form one closed cycle around the cell.
type patch uint16

// topology is the surface in a cell as its corner signs determine it.
type topology struct {
	patches []patch   // the largest first, ties by their lowest edge
	of      [12]int8  // patch that crosses each edge, -1 where none does
	center  [][3]int8 // sum over a patch's edges of twice the edge's midpoint
	outward [][3]int8 // sum over a patch's edges of the way from inside to outside
}

// cellTopology has the topology of each pattern of corner signs under both
// rules for faces whose corners alternate: [0] cuts off the inside corners one
// by one, [1] the outside corners.
var cellTopology = newCellTopology()

// tangled[s] is the index in [cellFaces] of the face on which both crossings
// belong to one patch, for corner signs s, or -1. If the cell on the other side
// of the face has that face tangled too, four quads meet at one mesh edge. The
// outside rule in both cells separates them, since such a cell has no other
// alternating face. A test checks that for all 256 patterns.
var tangled = newTangled()

// cellFaces has for each face, ordered -x, +x, -y, +y, -z, +z, its corners and
// edges around: edge i joins corner i and corner i+1.
var cellFaces = newCellFaces()

type cellFace struct{ corners, edges [4]int }

// edgeCorners returns the low and the high corner of an edge.
func edgeCorners(e int) (low, high int) {
	axis, u, v := e>>2, e>>1&1, e&1
	low = u*axisBit((axis+1)%3) + v*axisBit((axis+2)%3)
	return low, low + axisBit(axis)
}

// axisBit is the weight of an axis in a corner's number.
func axisBit(axis int) int { return 4 >> axis }

// edgeNumber is the edge along axis that starts at corner low.
func edgeNumber(axis, low int) int {
	u, v := 0, 0
	if low&axisBit((axis+1)%3) != 0 {
		u = 1
	}
	if low&axisBit((axis+2)%3) != 0 {
		v = 1
	}
	return 4*axis + 2*u + v
}

func newCellFaces() (faces [6]cellFace) {
	for f := range faces {
		axis := f / 2
		u, v := axisBit((axis+1)%3), axisBit((axis+2)%3)
		base := f % 2 * axisBit(axis)
		faces[f].corners = [4]int{base, base + u, base + u + v, base + v}
		uAxis, vAxis := (axis+1)%3, (axis+2)%3
		faces[f].edges = [4]int{
			edgeNumber(uAxis, base), edgeNumber(vAxis, base+u),
			edgeNumber(uAxis, base+v), edgeNumber(vAxis, base),
		}
	}
	return faces
}

func inside(signs uint8, corner int) bool { return signs>>corner&1 == 1 }

// links returns the pairs of crossed edges that the surface joins across a face.
func (f *cellFace) links(signs uint8, cutOutside bool) [][2]int {
	var crossed []int
	for i := range 4 {
		if inside(signs, f.corners[i]) != inside(signs, f.corners[(i+1)%4]) {
			crossed = append(crossed, i)
		}
	}
	switch len(crossed) {
	case 2:
		return [][2]int{{f.edges[crossed[0]], f.edges[crossed[1]]}}
	case 4: // corners alternate: join the edges on both sides of each corner cut off
		first := 0
		if inside(signs, f.corners[0]) == cutOutside {
			first = 1
		}
		a, b := first, first+2
		return [][2]int{{f.edges[(a+3)%4], f.edges[a]}, {f.edges[b-1], f.edges[b]}}
	}
	return nil
}

func newCellTopology() (all [2][256]topology) {
	for rule := range all {
		for signs := range 256 {
			all[rule][signs] = newTopology(uint8(signs), rule == 1)
		}
	}
	return all
}

func newTopology(signs uint8, cutOutside bool) topology {
	var joined [12]patch // edges linked to each edge
	for f := range cellFaces {
		for _, l := range cellFaces[f].links(signs, cutOutside) {
			joined[l[0]] |= 1 << l[1]
			joined[l[1]] |= 1 << l[0]
		}
	}
	var t topology
	var seen patch
	for e := range 12 {
		if joined[e] == 0 || seen>>e&1 == 1 {
			continue
		}
		p := connected(&joined, e)
		seen |= p
		at := len(t.patches)
		for at > 0 && bits.OnesCount16(uint16(t.patches[at-1])) < bits.OnesCount16(uint16(p)) {
			at--
		}
		t.patches = append(t.patches[:at], append([]patch{p}, t.patches[at:]...)...)
	}
	t.measure(signs)
	return t
}

// connected returns the edges that can be reached from e.
func connected(joined *[12]patch, e int) patch {
	reached := patch(1) << e
	for {
		next := reached
		for i, others := range joined {
			if reached>>i&1 == 1 {
				next |= others
			}
		}
		if next == reached {
			return reached
		}
		reached = next
	}
}

// measure fills in what follows from the patches.
func (t *topology) measure(signs uint8) {
	for e := range t.of {
		t.of[e] = -1
	}
	t.center, t.outward = make([][3]int8, len(t.patches)), make([][3]int8, len(t.patches))
	for i, p := range t.patches {
		for ; p != 0; p &= p - 1 {
			e := bits.TrailingZeros16(uint16(p))
			t.of[e] = int8(i)
			low, high := edgeCorners(e)
			for a := range 3 {
				t.center[i][a] += int8(bit(low, a) + bit(high, a))
			}
			if inside(signs, low) {
				t.outward[i][e>>2]++
			} else {
				t.outward[i][e>>2]--
			}
		}
	}
}

// bit is a corner's place, 0 or 1, along an axis.
func bit(corner, axis int) int { return corner >> (2 - axis) & 1 }

func newTangled() (face [256]int8) {
	for signs := range 256 {
		face[signs] = -1
		t := &cellTopology[0][signs]
		for f := range cellFaces {
			l := cellFaces[f].links(uint8(signs), false)
			if len(l) == 2 && t.of[l[0][0]] == t.of[l[1][0]] {
				face[signs] = int8(f)
			}
		}
	}
	return face
}
