package mesh

// edgeLoops returns the number of edge loops: chains that run straight on
// through the vertices of a quad grid. Every edge lies in exactly one, so the
// mean length is edges / loops. A chain continues
//
//   - through an inner vertex with four edges and four quads, to the edge
//     that shares no face with it;
//   - through a boundary vertex with three edges and two quads, from one
//     boundary edge to the other.
//
// It ends everywhere else: at an irregular vertex, at a triangle or n-gon, at a
// corner, where it meets the boundary from inside, or at its own start. In a
// grid of n × n quads all loops have length n. The definition is ours; papers
// that report a mean edge-loop length seldom give theirs.
func (t *Edges) edgeLoops() int {
	links := t.straightLinks()
	openEnds := 0
	for _, l := range links {
		if l < 0 {
			openEnds++
		}
	}
	seen := make([]bool, t.Len())
	for end, l := range links {
		if l < 0 {
			t.walk(links, seen, int32(end))
		}
	}
	loops := openEnds / 2
	for e := range seen {
		if !seen[e] { // the remaining loops are closed
			loops++
			t.walk(links, seen, int32(2*e))
		}
	}
	return loops
}

// walk marks the edges of a chain, starting at one of its ends.
func (t *Edges) walk(links []int32, seen []bool, end int32) {
	for end >= 0 && !seen[end/2] {
		seen[end/2] = true
		end = links[end^1]
	}
}

// straightLinks returns, for each end of each edge (2e at its lower vertex, 2e+1
// at its higher), the end at which its loop continues, or -1.
func (t *Edges) straightLinks() []int32 {
	links := make([]int32, 2*t.Len())
	for i := range links {
		links[i] = -1
	}
	starts, edges := t.atVertices()
	for v := range int32(len(t.mesh.Vertices)) {
		at := edges[starts[v]:starts[v+1]]
		if len(at) < 3 || len(at) > 4 || !t.allQuads(at) {
			continue
		}
		for i, e := range at {
			if straight := t.straightOn(at, i); straight >= 0 {
				links[t.end(e, v)] = t.end(straight, v)
			}
		}
	}
	return links
}

func (t *Edges) end(e, v int32) int32 {
	if t.Ends[e][0] == v {
		return 2 * e
	}
	return 2*e + 1
}

// allQuads reports whether only quads use the given edges, one or two each.
func (t *Edges) allQuads(at []int32) bool {
	for _, e := range at {
		if !t.IsBoundary(e) && !t.IsManifold(e) {
			return false
		}
		for _, h := range t.HalfEdges(e) {
			if f := t.FaceOf[h]; t.mesh.Starts[f+1]-t.mesh.Starts[f] != 4 {
				return false
			}
		}
	}
	return true
}

// straightOn returns the edge that continues at[i]: the only one that shares no
// face with it at an inner vertex, or the other boundary edge of three. It
// returns -1 if there is none.
func (t *Edges) straightOn(at []int32, i int) int32 {
	straight, boundary := int32(-1), 0
	for j, e := range at {
		if t.IsBoundary(e) {
			boundary++
		}
		if j == i || t.shareFace(at[i], e) {
			continue
		}
		if straight >= 0 {
			return -1
		}
		straight = e
	}
	if straight < 0 {
		return -1
	}
	inside := len(at) == 4 && boundary == 0
	along := len(at) == 3 && t.IsBoundary(at[i]) && t.IsBoundary(straight)
	if inside || along {
		return straight
	}
	return -1
}

// shareFace reports whether some face uses both edges.
func (t *Edges) shareFace(d, e int32) bool {
	for _, h := range t.HalfEdges(d) {
		for _, g := range t.HalfEdges(e) {
			if t.FaceOf[h] == t.FaceOf[g] {
				return true
			}
		}
	}
	return false
}
