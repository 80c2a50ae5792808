package mesh

import (
	"math"
	"math/rand/v2"
)

// SampleSurface returns n points spread evenly over the area of m, with the
// unit normal and the face of m of each.
//
// Samples are stratified: the area, laid out triangle by triangle, is cut into
// n equal intervals with one sample each. No face of twice the mean area per
// sample is missed, and estimates vary less than with independent samples.
// Points are ordered by face: shuffle before taking a part.
//
// Random numbers are from PCG-DXSM (math/rand/v2), and no product is fused with
// a sum, so a seed gives the same bits on every processor. All results are nil
// if n is not positive or m has no area.
func SampleSurface(m *Mesh, n int, seed uint64) (points, normals []Vec3, faces []int32) {
	if n <= 0 {
		return nil, nil, nil
	}
	triangles, faceOf := Triangulate(m)
	cumulative, last := cumulativeArea(triangles)
	if last < 0 {
		return nil, nil, nil
	}
	total := cumulative[len(cumulative)-1]
	random := rand.NewPCG(seed, samplingStream)
	points, normals, faces = make([]Vec3, n), make([]Vec3, n), make([]int32, n)
	t := 0
	for i := range n {
		at := (float64(i) + unitFloat(random)) / float64(n) * total
		for t < last && cumulative[t] <= at {
			t++
		}
		points[i] = pointInTriangle(triangles, t, unitFloat(random), unitFloat(random))
		normals[i] = FaceNormal(triangles, t)
		faces[i] = faceOf[t]
	}
	return points, normals, faces
}

// samplingStream separates these random numbers from others of the same seed.
const samplingStream = 0x6d657368 // "mesh"

// cumulativeArea returns the area up to and including each triangle, and the
// last triangle with area (-1 if none).
func cumulativeArea(triangles *Mesh) (cumulative []float64, last int) {
	cumulative, last = make([]float64, triangles.NumFaces()), -1
	sum := 0.0
	for t := range cumulative {
		area := FaceVector(triangles, t).Len()
		if area > 0 {
			last = t
		}
		sum += area
		cumulative[t] = sum
	}
	if math.IsInf(sum, 0) || math.IsNaN(sum) {
		return cumulative, -1
	}
	return cumulative, last
}

// unitFloat returns a multiple of 2⁻⁵³ in [0, 1).
func unitFloat(random *rand.PCG) float64 { return float64(random.Uint64()>>11) * 0x1p-53 }

// pointInTriangle maps the unit square to triangle t, preserving relative area:
// with s = √u, the point is a + s(1−v)·(b−a) + s·v·(c−a).
func pointInTriangle(triangles *Mesh, t int, u, v float64) Vec3 {
	corner := triangles.Face(t)
	a, b, c := triangles.Vertices[corner[0]], triangles.Vertices[corner[1]], triangles.Vertices[corner[2]]
	s := math.Sqrt(u)
	return a.Add(b.Sub(a).Scale(s * (1 - v))).Add(c.Sub(a).Scale(s * v))
}
