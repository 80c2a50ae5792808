package build

import (
	"fmt"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/limit"
)

// Counts reports what a file contained and what was dropped.
type Counts struct {
	Vertices        int // as the file has them
	Faces           int // as the file has them, dropped ones included
	DroppedFaces    int // with fewer than three distinct corners
	DroppedCorners  int // equal to the corner before
	DroppedVertices int // not finite and unused
}

// Builder collects vertices and faces, in any order.
type Builder struct {
	limits  limit.Limits
	mesh    *mesh.Mesh
	counts  Counts
	highest int64 // highest vertex index used
	face    []int32
}

// New returns an empty Builder. Zero limits take their defaults.
func New(limits limit.Limits) *Builder {
	return &Builder{limits: limits.WithDefaults(), mesh: &mesh.Mesh{}, highest: -1}
}

// Limits returns the limits in force.
func (b *Builder) Limits() limit.Limits { return b.limits }

// Vertices returns how many vertices there are so far.
func (b *Builder) Vertices() int { return len(b.mesh.Vertices) }

// Vertex adds a vertex, finite or not. The error wraps [limit.ErrLimit].
func (b *Builder) Vertex(p mesh.Vec3) error {
	if len(b.mesh.Vertices) >= b.limits.Vertices {
		return limit.Over(limit.Vertices, int64(b.limits.Vertices))
	}
	b.mesh.AddVertex(p)
	return nil
}

// CheckCorners returns an error wrapping [limit.ErrLimit] if a face may not have
// n corners. Readers call it before they read them.
func (b *Builder) CheckCorners(n int64) error {
	if n > int64(b.limits.FaceCorners) {
		return limit.Over(limit.FaceCorners, int64(b.limits.FaceCorners))
	}
	return nil
}

// CheckStrip returns an error wrapping [limit.ErrLimit] if a strip of triangles
// may not have n vertices.
func (b *Builder) CheckStrip(n int64) error {
	if n > int64(b.limits.Corners) {
		return limit.Over(limit.Corners, int64(b.limits.Corners))
	}
	return nil
}

// Face adds a face, whose vertices may be added later. Corners equal to the one
// before or to the first are dropped, and so is a face with fewer than three
// distinct corners. The error wraps [limit.ErrLimit], or [mesh.ErrFace] for an
// index out of range.
func (b *Builder) Face(corners []int64) error {
	b.counts.Faces++
	if b.counts.Faces > b.limits.Faces {
		return limit.Over(limit.Faces, int64(b.limits.Faces))
	}
	if err := b.CheckCorners(int64(len(corners))); err != nil {
		return err
	}
	face := b.face[:0]
	for _, c := range corners {
		if c < 0 || c >= int64(b.limits.Vertices) {
			return fmt.Errorf("%w: face %d has vertex %d", mesh.ErrFace, b.counts.Faces-1, c)
		}
		b.highest = max(b.highest, c)
		if n := len(face); n == 0 || face[n-1] != int32(c) {
			face = append(face, int32(c))
		}
	}
	if n := len(face); n > 1 && face[0] == face[n-1] {
		face = face[:n-1]
	}
	b.face = face
	return b.keep(len(corners))
}

// keep adds the face in scratch if it has three corners or more.
func (b *Builder) keep(given int) error {
	b.counts.DroppedCorners += given - len(b.face)
	if len(b.face) < 3 {
		b.counts.DroppedFaces++
		return nil
	}
	m := b.mesh
	if len(m.Corners)+len(b.face) > b.limits.Corners {
		return limit.Over(limit.Corners, int64(b.limits.Corners))
	}
	if len(m.Starts) == 0 {
		m.Starts = append(m.Starts, 0)
	}
	m.Corners = append(m.Corners, b.face...)
	m.Starts = append(m.Starts, int32(len(m.Corners)))
	return nil
}

// Finish returns the mesh, without non-finite vertices. The error wraps
// [mesh.ErrFace] if a face uses a vertex that does not exist, [mesh.ErrEmpty] if
// no face is left, or [mesh.ErrNotFinite] if a face uses a non-finite vertex.
func (b *Builder) Finish() (*mesh.Mesh, Counts, error) {
	b.counts.Vertices = len(b.mesh.Vertices)
	switch n := b.counts.Vertices; {
	case b.highest >= int64(n):
		return nil, b.counts, fmt.Errorf("%w: a face has vertex %d, counted from 0, of %d", mesh.ErrFace, b.highest, n)
	case b.counts.Faces == 0:
		return nil, b.counts, fmt.Errorf("%w: %d points and nothing between them", mesh.ErrEmpty, n)
	case b.mesh.NumFaces() == 0:
		return nil, b.counts, fmt.Errorf("%w: none of %d has three different corners", mesh.ErrEmpty, b.counts.Faces)
	}
	m, dropped, err := mesh.RemoveNonFinite(b.mesh)
	b.counts.DroppedVertices = dropped
	return m, b.counts, err
}
