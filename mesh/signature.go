package mesh

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
)

// Signature returns a short text that is equal for copies of one shape however
// they are rotated, mirrored, scaled, moved or renumbered. It serves to find
// duplicate parts. It is the first 16 bytes, in hexadecimal, of the SHA-256 of
//
//   - the numbers of vertices, triangles, quads and larger faces, and
//   - the sorted lengths of all edges and the sorted distances of all vertices
//     from their centroid, each divided by the root mean square of those
//     distances and rounded to 0.01,
//
// after welding equal positions and dropping degenerate faces and unused
// vertices. Rounding boundaries are shifted by an irrational amount, so that
// round lengths do not lie on one. Near-copies with coarsely rounded coordinates
// may be missed. Different shapes share a signature only if their lengths agree.
func Signature(m *Mesh) string {
	m = Clean(m, 0)
	var centroid Vec3
	for _, p := range m.Vertices {
		centroid = centroid.Add(p.Scale(1 / float64(len(m.Vertices))))
	}
	distances := make([]float64, len(m.Vertices))
	for v, p := range m.Vertices {
		distances[v] = p.Sub(centroid).Len()
	}
	t := BuildEdges(m)
	lengths := make([]float64, t.Len())
	for e, ends := range t.Ends {
		lengths[e] = m.Vertices[ends[0]].Sub(m.Vertices[ends[1]]).Len()
	}
	scale := math.Sqrt(meanSquare(distances))
	sum := sha256.New()
	for _, list := range [][]int64{faceSizes(m), roundedTo(lengths, scale), roundedTo(distances, scale)} {
		_ = binary.Write(sum, binary.LittleEndian, int64(len(list))) // a hash never fails
		_ = binary.Write(sum, binary.LittleEndian, list)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// faceSizes counts triangles, quads and larger faces.
func faceSizes(m *Mesh) []int64 {
	sizes := make([]int64, 3)
	for f := range m.NumFaces() {
		sizes[min(len(m.Face(f)), 5)-3]++
	}
	return sizes
}

// roundedTo returns the values in hundredths of scale, sorted.
func roundedTo(values []float64, scale float64) []int64 {
	const shift = math.Phi - 1.5
	rounded := make([]int64, len(values))
	for i, x := range values {
		if scale > 0 {
			rounded[i] = int64(math.Floor(100*x/scale + 0.5 + shift))
		}
	}
	slices.Sort(rounded)
	return rounded
}

func meanSquare(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v * v)
	}
	return sum / float64(len(x))
}
