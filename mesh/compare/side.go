package compare

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/distance"
)

// side is one of the two surfaces, in units of the reference's longest side and
// relative to the reference's centre, for precision.
type side struct {
	triangles *mesh.Mesh
	query     *distance.Query
	points    []mesh.Vec3 // samples
	normals   []mesh.Vec3 // of the samples' triangles
	vertices  []mesh.Vec3 // looked at for the largest distance
}

func newSide(m *mesh.Mesh, centre mesh.Vec3, unit float64, o Options) (*side, error) {
	moved, err := about(m, centre, unit)
	if err != nil {
		return nil, err
	}
	// The query gets triangles, so the face of a nearest point is its triangle.
	s := &side{}
	s.triangles, _ = mesh.Triangulate(moved)
	s.points, s.normals, _ = mesh.SampleSurface(s.triangles, o.Samples, o.Seed)
	if s.points == nil {
		return nil, fmt.Errorf("%w: %d faces", mesh.ErrNoArea, m.NumFaces())
	}
	s.query = distance.New(s.triangles)
	s.vertices = usedVertices(s.triangles, o.Vertices)
	return s, nil
}

// about returns a mesh in the given unit relative to the given centre. Faces are
// shared with m. The error wraps [mesh.ErrNotFinite] if the mesh exceeds maxReach.
func about(m *mesh.Mesh, centre mesh.Vec3, unit float64) (*mesh.Mesh, error) {
	moved := &mesh.Mesh{Vertices: make([]mesh.Vec3, len(m.Vertices)), Corners: m.Corners, Starts: m.Starts}
	for i, p := range m.Vertices {
		moved.Vertices[i] = p.Sub(centre).Scale(1 / unit)
	}
	return moved, checkReach(moved)
}

// maxReach bounds coordinates, in the reference's longest sides, so that
// squared distances stay finite.
const maxReach = 1e150

// checkReach returns an error wrapping [mesh.ErrNotFinite] if the mesh exceeds
// maxReach.
func checkReach(m *mesh.Mesh) error {
	for _, v := range m.Corners {
		for _, x := range m.Vertices[v] {
			if !(math.Abs(x) <= maxReach) {
				return fmt.Errorf("%w: vertex %d is %g of the reference's sides away", mesh.ErrNotFinite, v, x)
			}
		}
	}
	return nil
}

// usedVertices returns at most limit of the vertices that faces use, evenly by
// index.
func usedVertices(m *mesh.Mesh, limit int) []mesh.Vec3 {
	kept, _ := mesh.RemoveUnused(m)
	all := kept.Vertices
	if len(all) <= limit {
		return all
	}
	some := make([]mesh.Vec3, limit)
	for i := range some {
		some[i] = all[i*len(all)/limit]
	}
	return some
}

// against returns the distances from s's points to the other surface.
func (s *side) against(other *side) distances {
	d := distances{
		samples: make([]float64, len(s.points)), vertices: make([]float64, len(s.vertices)),
		agreement: make([]float64, len(s.points)),
	}
	spread(len(s.points), func(i int) {
		var face int32
		d.samples[i], _, face = other.query.Distance(s.points[i])
		d.agreement[i] = math.NaN()
		if n := mesh.FaceNormal(other.triangles, int(face)); n != (mesh.Vec3{}) {
			d.agreement[i] = s.normals[i].Dot(n)
		}
	})
	spread(len(s.vertices), func(i int) { d.vertices[i], _, _ = other.query.Distance(s.vertices[i]) })
	return d
}
