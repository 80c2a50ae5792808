package sequence

import (
	"cmp"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// Cell is the quantised position of a vertex: the ids of x, y and z.
type Cell [3]int32

// key orders cells by (z, x, y).
func (c Cell) key() uint64 { return uint64(c[2])<<40 | uint64(c[0])<<20 | uint64(c[1]) }

func cellOf(key uint64) Cell {
	const low = 1<<20 - 1
	return Cell{int32(key >> 20 & low), int32(key & low), int32(key >> 40)}
}

// Face is a triangle or a quad by vertex indices, the lowest first. The last
// entry of a triangle is -1.
type Face [4]int32

// Corners returns the three or four vertices, as a view into f.
func (f *Face) Corners() []int32 {
	if f[3] < 0 {
		return f[:3]
	}
	return f[:]
}

// Quantized is a mesh in canonical order, exactly what a face sequence encodes.
// Every vertex is used, and no two are in the same cell.
type Quantized struct {
	Levels   int
	Vertices []Cell // [v] ascending by (z, x, y)
	Faces    []Face // [f] ascending
}

// Mesh returns q with vertices at cell centres.
func (q *Quantized) Mesh() *mesh.Mesh {
	m := &mesh.Mesh{
		Vertices: make([]mesh.Vec3, len(q.Vertices)),
		Corners:  make([]int32, 0, 4*len(q.Faces)),
		Starts:   make([]int32, 1, len(q.Faces)+1),
	}
	for v, cell := range q.Vertices {
		for i, id := range cell {
			m.Vertices[v][i] = float64(2*id+1)/float64(q.Levels) - 1
		}
	}
	for f := range q.Faces {
		m.Corners = append(m.Corners, q.Faces[f].Corners()...)
		m.Starts = append(m.Starts, int32(len(m.Corners)))
	}
	return m
}

// Tokens returns the face sequence of q, with the end token.
func (q *Quantized) Tokens() []int32 {
	o := Options{Levels: q.Levels}
	tokens := make([]int32, 0, FaceTokens*len(q.Faces)+1)
	for f := range q.Faces {
		corners := q.Faces[f].Corners()
		if len(corners) == 3 {
			tokens = append(tokens, o.Pad(), o.Pad(), o.Pad())
		}
		for _, v := range corners {
			cell := q.Vertices[v]
			tokens = append(tokens, cell[2], cell[0], cell[1])
		}
	}
	return append(tokens, o.EOS())
}

// newFace returns the three or four distinct vertices as a face, rotated so
// that the lowest comes first.
func newFace(corners []int32) Face {
	f := Face{-1, -1, -1, -1}
	first := slices.Index(corners, slices.Min(corners))
	n := copy(f[:], corners[first:])
	copy(f[n:], corners[:first])
	return f
}

// compareFaces orders faces by their vertices. The -1 sorts a triangle before
// the quads with the same first three.
func compareFaces(f, g Face) int { return slices.Compare(f[:], g[:]) }

// ranks sorts keys, drops duplicates and returns the new index of each.
func ranks(keys []uint64) (sorted []uint64, rank func(uint64) int32) {
	sorted = slices.Clone(keys)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	return sorted, func(key uint64) int32 {
		i, _ := slices.BinarySearchFunc(sorted, key, cmp.Compare[uint64])
		return int32(i)
	}
}

// assemble sorts faces and drops duplicates and unused vertices. Indices are
// into keys, which are ascending.
func assemble(levels int, keys []uint64, faces []Face) (q *Quantized, duplicates int) {
	slices.SortFunc(faces, compareFaces)
	n := len(faces)
	faces = slices.Compact(faces)
	used := make([]int32, len(keys))
	for f := range faces {
		for _, v := range faces[f].Corners() {
			used[v] = 1
		}
	}
	q = &Quantized{Levels: levels, Faces: faces}
	for v, is := range used {
		if used[v] = int32(len(q.Vertices)); is != 0 {
			q.Vertices = append(q.Vertices, cellOf(keys[v]))
		}
	}
	for f := range faces {
		corners := faces[f].Corners()
		for k, v := range corners {
			corners[k] = used[v]
		}
	}
	return q, n - len(faces)
}
