package sequence

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// Adjacency encodes triangles as walks: each vertex forms a face with the two before
// it, and a restart token begins a new walk of three vertices. Tokens are coordinates,
// x y z per vertex, then restart = Levels, end = Levels+1. Quads are triangulated.
// Winding is not encoded: the reader makes it consistent, outward on closed parts.
// Faces without area are dropped, as published. Decoded vertices are cell centres, half
// a cell above those published.
//
// Source: Chen et al., "MeshAnything V2", 2024, arXiv:2408.02555.
type Adjacency struct{ Options }

// Name returns [NameAdjacency].
func (Adjacency) Name() string { return NameAdjacency }

// Encode returns the walks of m.
func (c Adjacency) Encode(m *mesh.Mesh) ([]int32, Report, error) {
	t, report, err := newTriangles(m, c.Options, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a[2], b[2]), cmp.Compare(a[1], b[1]), cmp.Compare(a[0], b[0]))
	})
	if err != nil {
		return nil, report, err
	}
	flat := t.dropFlat()
	sides := t.dropSides()
	report.DegenerateFaces += flat
	report.DuplicateFaces += sides
	report.Faces -= flat + sides
	report.Triangles = report.Faces
	if report.Faces == 0 {
		return nil, report, fmt.Errorf("sequence.Adjacency: %w: every face is flat", mesh.ErrEmpty)
	}
	var tokens []int32
	for _, v := range t.walks() {
		if v < 0 {
			tokens = append(tokens, c.Pad())
			continue
		}
		tokens = append(tokens, t.vertices[v][:]...)
	}
	tokens = append(tokens, c.EOS())
	report.Tokens = len(tokens)
	return tokens, report, nil
}

// dropFlat drops faces without area and returns their number.
func (t *triangles) dropFlat() int {
	n := len(t.faces)
	t.faces = slices.DeleteFunc(t.faces, func(f [3]int32) bool {
		var u, v [3]int64
		for i := range u {
			u[i] = int64(t.vertices[f[1]][i] - t.vertices[f[0]][i])
			v[i] = int64(t.vertices[f[2]][i] - t.vertices[f[0]][i])
		}
		return u[0]*v[1] == u[1]*v[0] && u[1]*v[2] == u[2]*v[1] && u[2]*v[0] == u[0]*v[2]
	})
	return n - len(t.faces)
}

// dropSides sorts corners, drops faces with the same three and returns their
// number.
func (t *triangles) dropSides() int {
	n := len(t.faces)
	for f := range t.faces {
		t.faces[f] = sorted3(t.faces[f])
	}
	t.faces = slices.Compact(t.faces)
	return n - len(t.faces)
}

// walks returns vertices, with -1 for restart. A walk continues at the lowest vertex
// that forms an unvisited face with the last two.
func (t *triangles) walks() []int32 {
	type edge struct{ u, v int32 }
	across := make(map[edge][]int32) // faces ascend, and so do third vertices
	for f, c := range t.faces {
		for _, e := range []edge{{c[0], c[1]}, {c[0], c[2]}, {c[1], c[2]}} {
			across[e] = append(across[e], int32(f))
		}
	}
	visited := make([]bool, len(t.faces))
	next := func(u, v int32) int32 {
		best, face := int32(-1), int32(0)
		for _, f := range across[edge{min(u, v), max(u, v)}] {
			c := t.faces[f]
			if w := c[0] + c[1] + c[2] - u - v; !visited[f] && (best < 0 || w < best) {
				best, face = w, f
			}
		}
		if best >= 0 {
			visited[face] = true
		}
		return best
	}
	var out []int32
	for f, c := range t.faces {
		if visited[f] {
			continue
		}
		visited[f] = true
		if len(out) > 0 {
			out = append(out, -1)
		}
		out = append(out, c[:]...)
		for {
			w := next(out[len(out)-2], out[len(out)-1])
			if w < 0 {
				break
			}
			out = append(out, w)
		}
	}
	return out
}

func (c Adjacency) Reader() Reader { return &walkReader{options: c.Options} }

type walkReader struct {
	options Options
	faceList
	vertex []int32  // coordinates of an incomplete vertex
	last   []uint64 // at most two vertices
	length int      // vertices of the walk
}

func (r *walkReader) May(t int32) bool {
	if t >= r.options.Pad() {
		return t <= r.options.EOS() && len(r.vertex) == 0 && r.length >= 3
	}
	return t >= 0
}

func (r *walkReader) Take(t int32) {
	switch {
	case t == r.options.Pad():
		r.close()
	case t >= 0 && t < r.options.Pad():
		if r.vertex = append(r.vertex, t); len(r.vertex) == 3 {
			r.add3(Cell(r.vertex).key())
			r.vertex = r.vertex[:0]
		}
	}
}

// add3 adds the face of a vertex and the two before it.
func (r *walkReader) add3(key uint64) {
	if r.length++; r.length >= 3 {
		r.add(r.last[0], r.last[1], key)
		r.last = append(r.last[:0], r.last[1])
	}
	r.last = append(r.last, key)
}

// close ends a walk and counts vertices without a face.
func (r *walkReader) close() {
	r.report.PartialTokens += len(r.vertex)
	if r.length < 3 {
		r.report.PartialTokens += 3 * r.length
	}
	r.vertex, r.last, r.length = r.vertex[:0], r.last[:0], 0
}

func (r *walkReader) Quantized() (*Quantized, DecodeReport) {
	r.close()
	q, report := r.quantized(r.options.levels())
	oriented, _ := mesh.Orient(q.Mesh())
	for f := range q.Faces {
		q.Faces[f] = newFace(oriented.Face(f))
	}
	var kept int
	q.Faces, kept = sortFaces(q.Faces)
	report.DuplicateFaces += report.Faces - kept
	report.Faces, report.Triangles = kept, kept
	return q, report
}

// sortFaces sorts faces and drops duplicates. It returns the number dropped.
func sortFaces(faces []Face) ([]Face, int) {
	slices.SortFunc(faces, compareFaces)
	faces = slices.Compact(faces)
	return faces, len(faces)
}
