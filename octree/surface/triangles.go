package surface

// cellTriangles has the triangles of each pattern of corner signs, which cuts off inside
// corners where those of a face alternate, as [cellTopology] does: the edges that their
// corners lie on, counter-clockwise seen from outside. What a face shows follows from its own
// corners, so the triangles of two cells meet along it. No side of a triangle lies in a face
// but those that the cell beyond has too.
//
// Source: Lorensen and Cline, "Marching Cubes", 1987, with the consistent faces of Nielson and
// Hamann, "The Asymptotic Decider", 1991.
var cellTriangles = newCellTriangles()

func newCellTriangles() (all [256][][3]int8) {
	for signs := range all {
		next := cycles(uint8(signs))
		for e := range next {
			var loop []int8
			for at := int8(e); next[at] >= 0; {
				loop = append(loop, at)
				at, next[at] = next[at], -1
			}
			all[signs] = append(all[signs], fan(loop)...)
		}
	}
	return all
}

// cycles returns the edge that follows each crossed one around its sheet, and -1 for the
// others.
func cycles(signs uint8) (next [12]int8) {
	for e := range next {
		next[e] = -1
	}
	for f := range cellFaces {
		face := &cellFaces[f]
		for _, l := range face.links(signs, false) {
			in, out := l[0], l[1] // where a walk around the face comes in, and where it leaves
			if face.leaves(signs, in) {
				in, out = out, in
			}
			if f%2 == 0 { // the walk is clockwise seen from outside of the cell
				in, out = out, in
			}
			next[in] = int8(out)
		}
	}
	return next
}

// leaves reports whether a walk around the face passes from inside to outside on an edge.
func (f *cellFace) leaves(signs uint8, edge int) bool {
	for i, e := range f.edges {
		if e == edge {
			return inside(signs, f.corners[i])
		}
	}
	return false
}

// fan cuts a loop of edges into triangles that share a corner. It takes the first corner from
// which no cut lies in a face.
func fan(loop []int8) (out [][3]int8) {
	for first := range loop {
		at := func(i int) int8 { return loop[(first+i)%len(loop)] }
		out = out[:0]
		flat := false
		for i := 1; i+1 < len(loop); i++ {
			out = append(out, [3]int8{at(0), at(i), at(i + 1)})
			flat = flat || i > 1 && coplanar(at(0), at(i))
		}
		if !flat {
			break
		}
	}
	return out
}

// coplanar reports whether a face has both edges.
func coplanar(a, b int8) bool {
	for f := range cellFaces {
		n := 0
		for _, e := range cellFaces[f].edges {
			if e == int(a) || e == int(b) {
				n++
			}
		}
		if n == 2 {
			return true
		}
	}
	return false
}
