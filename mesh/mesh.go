package mesh

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on.
var (
	// ErrFace reports a face with fewer than three corners or with a vertex
	// index outside the mesh.
	ErrFace = errkind.New("bad_face", "bad face")
	// ErrNotFinite reports a vertex coordinate that is NaN or infinite.
	ErrNotFinite = errkind.New("not_finite", "coordinate is not finite")
	// ErrEmpty reports a mesh without faces where one is needed.
	ErrEmpty = errkind.New("no_faces", "mesh has no faces")
)

// Vec3 is a point or a vector, in the mesh's own units.
type Vec3 [3]float64

// Mesh is a polygon mesh. The zero value is an empty mesh, ready for use.
//
// Faces are stored flat: the corners of face f are
// Corners[Starts[f]:Starts[f+1]], counter-clockwise seen from outside. Starts
// is empty without faces and has one entry more than there are faces otherwise.
// A Mesh is safe for concurrent reads.
type Mesh struct {
	Vertices []Vec3  // [v]
	Corners  []int32 // vertex index of every corner, face by face
	Starts   []int32 // [f+1] offsets into Corners
}

// NumFaces returns the number of faces.
func (m *Mesh) NumFaces() int {
	if len(m.Starts) == 0 {
		return 0
	}
	return len(m.Starts) - 1
}

// Face returns the vertex indices of face f, as a view into the mesh.
func (m *Mesh) Face(f int) []int32 {
	return m.Corners[m.Starts[f]:m.Starts[f+1]:m.Starts[f+1]]
}

// AddVertex appends p and returns its index.
func (m *Mesh) AddVertex(p Vec3) int32 {
	m.Vertices = append(m.Vertices, p)
	return int32(len(m.Vertices) - 1)
}

// AddFace appends a face with the given corners, counter-clockwise. It returns
// an error wrapping [ErrFace] if there are fewer than three corners or one of
// them is not a vertex.
func (m *Mesh) AddFace(corners ...int32) error {
	if len(corners) < 3 {
		return fmt.Errorf("mesh.AddFace: %w: %d corners, at least 3 needed", ErrFace, len(corners))
	}
	for _, c := range corners {
		if c < 0 || int(c) >= len(m.Vertices) {
			return fmt.Errorf("mesh.AddFace: %w: vertex %d of %d", ErrFace, c, len(m.Vertices))
		}
	}
	if len(m.Starts) == 0 {
		m.Starts = append(m.Starts, 0)
	}
	m.Corners = append(m.Corners, corners...)
	m.Starts = append(m.Starts, int32(len(m.Corners)))
	return nil
}

// Validate reports the first broken invariant: an error wrapping [ErrFace] or
// [ErrNotFinite], or nil.
func (m *Mesh) Validate() error {
	for i, p := range m.Vertices {
		if !p.IsFinite() {
			return fmt.Errorf("mesh.Validate: %w: vertex %d is %v", ErrNotFinite, i, p)
		}
	}
	for f := range m.NumFaces() {
		face := m.Face(f)
		if len(face) < 3 {
			return fmt.Errorf("mesh.Validate: %w: face %d has %d corners", ErrFace, f, len(face))
		}
		for _, c := range face {
			if c < 0 || int(c) >= len(m.Vertices) {
				return fmt.Errorf("mesh.Validate: %w: face %d has vertex %d of %d", ErrFace, f, c, len(m.Vertices))
			}
		}
	}
	return nil
}

// Add returns a + b.
func (a Vec3) Add(b Vec3) Vec3 { return Vec3{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }

// Sub returns a - b.
func (a Vec3) Sub(b Vec3) Vec3 { return Vec3{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

// Scale, Dot and Cross convert every product to float64, which forbids fused
// multiply-add. Results are then bit-equal on every processor.

// Scale returns s·a.
func (a Vec3) Scale(s float64) Vec3 {
	return Vec3{float64(s * a[0]), float64(s * a[1]), float64(s * a[2])}
}

// Dot returns the inner product a·b.
func (a Vec3) Dot(b Vec3) float64 {
	return float64(a[0]*b[0]) + float64(a[1]*b[1]) + float64(a[2]*b[2])
}

// Cross returns a × b.
func (a Vec3) Cross(b Vec3) Vec3 {
	return Vec3{
		float64(a[1]*b[2]) - float64(a[2]*b[1]),
		float64(a[2]*b[0]) - float64(a[0]*b[2]),
		float64(a[0]*b[1]) - float64(a[1]*b[0]),
	}
}

// Len returns the Euclidean length of a.
func (a Vec3) Len() float64 { return math.Sqrt(a.Dot(a)) }

// Unit returns a scaled to length one, or the zero vector if a is zero.
func (a Vec3) Unit() Vec3 {
	if l := a.Len(); l > 0 {
		return a.Scale(1 / l)
	}
	return Vec3{}
}
