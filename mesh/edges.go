package mesh

import "slices"

// Edges is the edge table of a mesh: every pair of successive vertices of a
// face, once, with its half-edges.
//
// It is a view: the mesh must not change while it is in use. It is safe for
// concurrent reads.
type Edges struct {
	Ends   [][2]int32 // [e] the two vertices, lower index first
	Starts []int32    // [e+1] offsets into Uses
	Uses   []int32    // half-edges of every edge, ascending within an edge
	Of     []int32    // [h] edge of a half-edge; -1 where a corner repeats its successor
	FaceOf []int32    // [h] face of a half-edge

	mesh *Mesh
}

// BuildEdges returns the edge table of m, with edges in ascending order of their
// two vertices. A half-edge from a vertex to itself belongs to no edge.
//
// Half-edges are bucketed by lower vertex and sorted within a bucket, which takes
// nearly linear time: 0.1 s for a million quads on a core of an AMD EPYC.
func BuildEdges(m *Mesh) *Edges {
	t := &Edges{
		Of:     make([]int32, len(m.Corners)),
		FaceOf: make([]int32, len(m.Corners)),
		mesh:   m,
	}
	for f := range m.NumFaces() {
		for h := m.Starts[f]; h < m.Starts[f+1]; h++ {
			t.FaceOf[h] = int32(f)
		}
	}
	buckets, starts := t.bucketHalfEdges()
	t.Ends = make([][2]int32, 0, len(buckets)/2)
	t.Starts = make([]int32, 0, len(buckets)/2+1)
	t.Uses = make([]int32, 0, len(buckets))
	for v := range m.Vertices {
		t.appendBucket(int32(v), buckets[starts[v]:starts[v+1]])
	}
	t.Starts = append(t.Starts, int32(len(t.Uses)))
	return t
}

// bucketHalfEdges returns the half-edges grouped by their lower vertex. An
// entry has the higher vertex in its upper 32 bits and the half-edge in the
// lower.
func (t *Edges) bucketHalfEdges() (buckets []uint64, starts []int32) {
	starts = make([]int32, len(t.mesh.Vertices)+1)
	for h := range t.Of {
		if lo, hi := t.span(int32(h)); lo != hi {
			starts[lo+1]++
		}
	}
	for v := 1; v < len(starts); v++ {
		starts[v] += starts[v-1]
	}
	buckets = make([]uint64, starts[len(starts)-1])
	fill := slices.Clone(starts)
	for h := range t.Of {
		t.Of[h] = -1
		if lo, hi := t.span(int32(h)); lo != hi {
			buckets[fill[lo]] = uint64(hi)<<32 | uint64(h)
			fill[lo]++
		}
	}
	return buckets, starts
}

// appendBucket appends the edges whose lower vertex is lo.
func (t *Edges) appendBucket(lo int32, bucket []uint64) {
	slices.Sort(bucket)
	last := int32(-1)
	for _, b := range bucket {
		hi, h := int32(b>>32), int32(uint32(b))
		if hi != last {
			t.Ends = append(t.Ends, [2]int32{lo, hi})
			t.Starts = append(t.Starts, int32(len(t.Uses)))
			last = hi
		}
		t.Of[h] = int32(len(t.Ends) - 1)
		t.Uses = append(t.Uses, h)
	}
}

// span returns the two vertices of half-edge h, lower index first.
func (t *Edges) span(h int32) (lo, hi int32) {
	a, b := t.mesh.Corners[h], t.mesh.Corners[t.Next(h)]
	return min(a, b), max(a, b)
}

// Len returns the number of edges.
func (t *Edges) Len() int { return len(t.Ends) }

// HalfEdges returns the half-edges of edge e, one per face that uses it, as a
// view into the table.
func (t *Edges) HalfEdges(e int32) []int32 { return t.Uses[t.Starts[e]:t.Starts[e+1]] }

// Next returns the half-edge that follows h in its face.
func (t *Edges) Next(h int32) int32 {
	f := t.FaceOf[h]
	if h+1 == t.mesh.Starts[f+1] {
		return t.mesh.Starts[f]
	}
	return h + 1
}

// Prev returns the half-edge before h in its face.
func (t *Edges) Prev(h int32) int32 {
	f := t.FaceOf[h]
	if h == t.mesh.Starts[f] {
		return t.mesh.Starts[f+1] - 1
	}
	return h - 1
}

// IsBoundary reports whether e has exactly one half-edge.
func (t *Edges) IsBoundary(e int32) bool { return t.Starts[e+1]-t.Starts[e] == 1 }

// IsManifold reports whether e has exactly two half-edges.
func (t *Edges) IsManifold(e int32) bool { return t.Starts[e+1]-t.Starts[e] == 2 }

// opposed reports whether the half-edges of the manifold edge e run in opposite
// directions, as between consistently oriented faces.
func (t *Edges) opposed(e int32) bool {
	u := t.HalfEdges(e)
	return t.mesh.Corners[u[0]] != t.mesh.Corners[u[1]]
}

// atVertices returns the edges at every vertex, ascending: those of vertex v
// are edges[starts[v]:starts[v+1]].
func (t *Edges) atVertices() (starts, edges []int32) {
	starts = make([]int32, len(t.mesh.Vertices)+1)
	for _, ends := range t.Ends {
		starts[ends[0]+1]++
		starts[ends[1]+1]++
	}
	for v := 1; v < len(starts); v++ {
		starts[v] += starts[v-1]
	}
	edges = make([]int32, starts[len(starts)-1])
	fill := slices.Clone(starts)
	for e, ends := range t.Ends {
		for _, v := range ends {
			edges[fill[v]] = int32(e)
			fill[v]++
		}
	}
	return starts, edges
}
