package compare

import (
	"fmt"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/distance"
)

// Missing reports how much of a reference a mesh leaves out.
type Missing struct {
	Share float64 // fraction of the reference's area that is further from the mesh than the distance
	Parts int     // parts of the reference that are missing entirely
	Of    int     // all parts with area, connected by equal positions
}

// MissingFrom measures how much of the reference lies further from the mesh than
// a distance in their own units. It samples o.Samples points, and one more in
// the largest triangle of each part. Vertices and Thresholds of the options are
// ignored. A mesh without faces lacks everything.
//
// The errors are those of [Surfaces], and [ErrOptions] for a negative distance.
func MissingFrom(m, reference *mesh.Mesh, distance float64, o Options) (Missing, error) {
	if err := o.Validate(); err != nil {
		return Missing{}, err
	}
	if !(distance >= 0) {
		return Missing{}, fmt.Errorf("compare: %w: distance %g", ErrOptions, distance)
	}
	if err := m.Validate(); err != nil {
		return Missing{}, fmt.Errorf("compare: %w", err)
	}
	centre, unit, err := frame(reference)
	if err != nil {
		return Missing{}, err
	}
	near, err := about(m, centre, unit)
	if err != nil {
		return Missing{}, fmt.Errorf("compare: the mesh: %w", err)
	}
	far, err := about(reference, centre, unit)
	if err != nil {
		return Missing{}, fmt.Errorf("compare: the reference: %w", err)
	}
	return missing(near, far, distance/unit, o.filled())
}

func missing(m, reference *mesh.Mesh, limit float64, o Options) (Missing, error) {
	points, _, faces := mesh.SampleSurface(reference, o.Samples, o.Seed)
	if points == nil {
		return Missing{}, fmt.Errorf("compare: the reference: %w: %d faces", mesh.ErrNoArea, reference.NumFaces())
	}
	welded, _ := mesh.Weld(reference, 0)
	partOf, n := mesh.FaceComponents(welded)
	parts := make([]int32, len(points), len(points)+n) // of each point
	for i, f := range faces {
		parts[i] = partOf[f]
	}
	middles, withArea := largestTriangles(reference, partOf, n)
	points, parts = append(points, middles...), append(parts, withArea...)
	gone, query := make([]bool, len(points)), distance.New(m)
	spread(len(points), func(i int) {
		d, _, _ := query.Distance(points[i])
		gone[i] = d > limit
	})
	out := Missing{Parts: len(withArea), Of: len(withArea), Share: share(gone[:len(faces)])}
	left := make([]bool, n)
	for i, part := range parts {
		if !gone[i] && !left[part] {
			left[part] = true
			out.Parts--
		}
	}
	return out, nil
}

// share returns the fraction of true entries.
func share(list []bool) float64 {
	n := 0
	for _, is := range list {
		if is {
			n++
		}
	}
	return float64(n) / float64(len(list))
}

// largestTriangles returns the centroid of the largest triangle of each part
// with area, and the part.
func largestTriangles(m *mesh.Mesh, partOf []int32, n int) (middles []mesh.Vec3, parts []int32) {
	triangles, faceOf := mesh.Triangulate(m)
	largest, area := make([]int, n), make([]float64, n)
	for t, f := range faceOf {
		part := partOf[f]
		if a := mesh.FaceVector(triangles, t).Len(); a > area[part] {
			area[part], largest[part] = a, t
		}
	}
	for part, t := range largest {
		if area[part] > 0 {
			c := triangles.Face(t)
			a, b, d := triangles.Vertices[c[0]], triangles.Vertices[c[1]], triangles.Vertices[c[2]]
			middles, parts = append(middles, a.Add(b).Add(d).Scale(1.0/3)), append(parts, int32(part))
		}
	}
	return middles, parts
}
