package sequence

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/mesh"
)

// Report describes what encoding changed.
type Report struct {
	Vertices        int `json:"vertices"` // left, one per cell
	MergedVertices  int `json:"merged_vertices"`
	Faces           int `json:"faces"` // left
	Triangles       int `json:"triangles"`
	Quads           int `json:"quads"`
	SplitNgons      int `json:"split_ngons"`      // faces of five corners or more, before splitting
	DegenerateFaces int `json:"degenerate_faces"` // dropped: fewer than three different cells
	DuplicateFaces  int `json:"duplicate_faces"`  // dropped
	Tokens          int `json:"tokens"`           // including the end token
}

// Encode returns the face sequence of m: 12 tokens a face and the end token. See
// the package for layout and order. The errors are those of [Quantize].
func Encode(m *mesh.Mesh, o Options) ([]int32, Report, error) {
	q, report, err := Quantize(m, o)
	if err != nil {
		return nil, report, err
	}
	return q.Tokens(), report, nil
}

// Quantize returns m with its vertices quantised to cells, in canonical order.
//
// It returns an error wrapping [ErrOptions]; [ErrRange] if a used vertex lies
// outside [-1, 1]; [mesh.ErrFace] or [mesh.ErrNotFinite]; [mesh.ErrEmpty] if
// there are no faces, or all are degenerate.
func Quantize(m *mesh.Mesh, o Options) (*Quantized, Report, error) { return quantize(m, o, o.cell) }

// quantize is [Quantize] with a function that quantises a position.
func quantize(m *mesh.Mesh, o Options, cellOf func(mesh.Vec3) (Cell, error)) (*Quantized, Report, error) {
	var report Report
	if err := o.Validate(); err != nil {
		return nil, report, fmt.Errorf("sequence.Quantize: %w", err)
	}
	if err := m.Validate(); err != nil {
		return nil, report, fmt.Errorf("sequence.Quantize: %w", err)
	}
	m, _ = mesh.RemoveUnused(m)
	keys := make([]uint64, len(m.Vertices))
	for v, p := range m.Vertices {
		cell, err := cellOf(p)
		if err != nil {
			return nil, report, fmt.Errorf("sequence.Quantize: %w", err)
		}
		keys[v] = cell.key()
	}
	merged, sorted := mergeCells(m, keys)
	faces := report.splitAndTrim(merged)
	if len(faces) == 0 {
		return nil, report, fmt.Errorf("sequence.Quantize: %w: %d of %d are degenerate", mesh.ErrEmpty, report.DegenerateFaces, m.NumFaces())
	}
	q, duplicates := assemble(o.levels(), sorted, faces)
	report.DuplicateFaces = duplicates
	report.MergedVertices = len(m.Vertices) - len(sorted)
	report.count(q)
	return q, report, nil
}

// cell returns the cell of p.
func (o Options) cell(p mesh.Vec3) (Cell, error) {
	var cell Cell
	for i, x := range p {
		if x < -1 || x > 1 {
			return cell, fmt.Errorf("%w: %v", ErrRange, p)
		}
		id := math.Floor((x + 1) / 2 * float64(o.levels()))
		cell[i] = int32(min(id, float64(o.levels()-1)))
	}
	return cell, nil
}

// mergeCells returns m with one vertex per cell, ascending, at integer
// coordinates: signs of areas are exact there.
func mergeCells(m *mesh.Mesh, keys []uint64) (*mesh.Mesh, []uint64) {
	sorted, rank := ranks(keys)
	out := &mesh.Mesh{
		Vertices: make([]mesh.Vec3, len(sorted)),
		Corners:  make([]int32, len(m.Corners)),
		Starts:   m.Starts,
	}
	for v, key := range sorted {
		for i, id := range cellOf(key) {
			out.Vertices[v][i] = float64(id)
		}
	}
	to := make([]int32, len(keys))
	for v, key := range keys {
		to[v] = rank(key)
	}
	for h, v := range m.Corners {
		out.Corners[h] = to[v]
	}
	return out, sorted
}

// splitAndTrim returns the remaining triangles and quads of m. Pieces of a face
// that touches itself can be degenerate, so it trims before and after
// splitting.
func (r *Report) splitAndTrim(m *mesh.Mesh) []Face {
	m, before := mesh.RemoveDegenerate(m)
	for f := range m.NumFaces() {
		if len(m.Face(f)) > 4 {
			r.SplitNgons++
		}
	}
	m, _ = mesh.SplitNgons(m)
	m, after := mesh.RemoveDegenerate(m)
	r.DegenerateFaces = before + after
	faces := make([]Face, m.NumFaces())
	for f := range faces {
		faces[f] = newFace(m.Face(f))
	}
	return faces
}

// count counts what is left.
func (r *Report) count(q *Quantized) {
	r.Vertices, r.Faces = len(q.Vertices), len(q.Faces)
	for f := range q.Faces {
		if len(q.Faces[f].Corners()) == 3 {
			r.Triangles++
		} else {
			r.Quads++
		}
	}
	r.Tokens = FaceTokens*r.Faces + 1
}
