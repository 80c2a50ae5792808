package mesh

// boundaryLoops returns the number of boundary loops: sets of boundary edges
// connected by vertices. Loops that touch at a vertex count as one.
func (t *Edges) boundaryLoops() int {
	sets := newDisjoint(len(t.mesh.Vertices))
	onBoundary := make([]bool, len(t.mesh.Vertices))
	for e, ends := range t.Ends {
		if t.IsBoundary(int32(e)) {
			sets.union(ends[0], ends[1])
			onBoundary[ends[0]], onBoundary[ends[1]] = true, true
		}
	}
	loops := 0
	for v, is := range onBoundary {
		if is && sets.find(int32(v)) == int32(v) {
			loops++
		}
	}
	return loops
}

// countEdges returns the number of edges with one half-edge and with more
// than two, and whether the two half-edges of all others are opposed.
func (t *Edges) countEdges() (boundary, nonManifold int, consistent bool) {
	consistent = true
	for e := range int32(t.Len()) {
		switch {
		case t.IsBoundary(e):
			boundary++
		case !t.IsManifold(e):
			nonManifold++
		case !t.opposed(e):
			consistent = false
		}
	}
	return boundary, nonManifold, consistent
}

// irregularVertices counts the vertices whose valence (number of edges) differs
// from that of a regular quad grid:
//
//   - inside (only manifold edges): irregular unless the valence is 4;
//   - on the boundary (boundary edges, none non-manifold): irregular unless the
//     valence is 3, or 2, which is the corner of a single face;
//   - on a non-manifold edge: irregular.
//
// A vertex without edges does not count.
func (t *Edges) irregularVertices() int {
	starts, edges := t.atVertices()
	irregular := 0
	for v := range t.mesh.Vertices {
		if at := edges[starts[v]:starts[v+1]]; len(at) > 0 && !t.isRegular(at) {
			irregular++
		}
	}
	return irregular
}

// isRegular applies the rule above to the edges at one vertex.
func (t *Edges) isRegular(at []int32) bool {
	boundary := 0
	for _, e := range at {
		switch {
		case t.IsBoundary(e):
			boundary++
		case !t.IsManifold(e):
			return false
		}
	}
	if boundary == 0 {
		return len(at) == 4
	}
	return len(at) == 3 || len(at) == 2
}
