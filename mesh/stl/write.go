package stl

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
)

// Write writes m as an STL file, cut into triangles as [mesh.Triangulate] does;
// the format shares no vertices. The file is binary, with float32 positions, if
// these preserve the shape: m lies within a few times its size of the origin,
// and no two vertices become equal. Otherwise it is ASCII with all digits of
// float64. The same mesh always gives the same bytes.
//
// It returns an error wrapping [mesh.ErrFace] or [mesh.ErrNotFinite] before
// anything is written if m is not valid, [mesh.ErrEmpty] if it has no faces, or
// an error of w.
func Write(w io.Writer, m *mesh.Mesh) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("stl.Write: %w", err)
	}
	if m.NumFaces() == 0 {
		return fmt.Errorf("stl.Write: %w", mesh.ErrEmpty)
	}
	triangles, _ := mesh.Triangulate(m)
	out := bufio.NewWriterSize(w, 1<<16) // errors stay until Flush
	if uint64(triangles.NumFaces()) <= math.MaxUint32 && fitsFloat32(m) {
		writeBinary(out, triangles)
	} else {
		writeText(out, triangles)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("stl.Write: %w", err)
	}
	return nil
}

// nearby is the distance from the origin, in halves of its longest side, up to
// which a mesh is written in float32: that costs two of 24 bits.
const nearby = 4

// fitsFloat32 reports whether the vertices of m stay distinct and in place in
// float32.
func fitsFloat32(m *mesh.Mesh) bool {
	lo, hi := mesh.Bounds(m)
	half, reach := 0.0, 0.0
	for axis := range lo {
		half = max(half, hi[axis]/2-lo[axis]/2)
		reach = max(reach, math.Abs(lo[axis]), math.Abs(hi[axis]))
	}
	if reach > nearby*half || reach > 0x1p100 || reach < 0x1p-100 {
		return false
	}
	first := make(map[[3]float32]mesh.Vec3, len(m.Vertices))
	for _, v := range m.Corners {
		p := m.Vertices[v]
		at := narrow(p)
		if other, ok := first[at]; ok && other != p {
			return false
		}
		first[at] = p
	}
	return true
}

func narrow(p mesh.Vec3) [3]float32 {
	return [3]float32{float32(p[0]), float32(p[1]), float32(p[2])}
}

// normal returns the direction of a triangle. It scales by the triangle's size
// first, against overflow and underflow.
func normal(corners [3]mesh.Vec3) mesh.Vec3 {
	a, b := corners[1].Sub(corners[0]), corners[2].Sub(corners[0])
	size := 0.0
	for axis := range a {
		size = max(size, math.Abs(a[axis]), math.Abs(b[axis]))
	}
	if size == 0 || math.IsInf(size, 0) {
		return mesh.Vec3{}
	}
	for axis := range a {
		a[axis], b[axis] = a[axis]/size, b[axis]/size
	}
	return a.Cross(b).Unit()
}

func cornersOf(m *mesh.Mesh, f int) [3]mesh.Vec3 {
	c := m.Face(f)
	return [3]mesh.Vec3{m.Vertices[c[0]], m.Vertices[c[1]], m.Vertices[c[2]]}
}

func writeBinary(out *bufio.Writer, m *mesh.Mesh) {
	row := make([]byte, headBytes)
	copy(row, "binary STL made by morton") // must not begin with solid
	binary.LittleEndian.PutUint32(row[80:], uint32(m.NumFaces()))
	out.Write(row)
	for f := range m.NumFaces() {
		corners := cornersOf(m, f)
		row = row[:0]
		for _, p := range [4]mesh.Vec3{normal(corners), corners[0], corners[1], corners[2]} {
			for _, x := range narrow(p) {
				row = binary.LittleEndian.AppendUint32(row, math.Float32bits(x))
			}
		}
		out.Write(append(row, 0, 0))
	}
}

func writeText(out *bufio.Writer, m *mesh.Mesh) {
	line := func(head string, p mesh.Vec3) {
		out.WriteString(head)
		for _, x := range p {
			out.Write(strconv.AppendFloat([]byte{' '}, x, 'g', -1, 64))
		}
		out.WriteByte('\n')
	}
	out.WriteString("solid morton\n")
	for f := range m.NumFaces() {
		corners := cornersOf(m, f)
		line("facet normal", normal(corners))
		out.WriteString("outer loop\n")
		for _, p := range corners {
			line("vertex", p)
		}
		out.WriteString("endloop\nendfacet\n")
	}
	out.WriteString("endsolid morton\n")
}

// WriteFile writes m to the file at path: see [Write]. The file is written to a
// temporary name, synced and renamed, so path never holds a partial mesh.
func WriteFile(path string, m *mesh.Mesh) error {
	if err := atomicfile.Replace(path, func(w io.Writer) error { return Write(w, m) }); err != nil {
		return fmt.Errorf("stl.WriteFile: %w", err)
	}
	return nil
}
