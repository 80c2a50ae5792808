package gltf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
	qgltf "github.com/qmuntal/gltf"
)

// WriteOptions says how a mesh is written. The zero value is ready for use.
type WriteOptions struct {
	Normals Normals
}

// Generator is what written files name as their maker.
const Generator = "morton"

// Write writes m to path as [Encode] does: into a file beside path, which is
// synced and then takes its name, so that path never holds half a mesh.
func Write(path string, m *mesh.Mesh, o WriteOptions) error {
	if err := atomicfile.Replace(path, func(w io.Writer) error { return encode(w, m, o) }); err != nil {
		return fmt.Errorf("gltf.Write: %w", err)
	}
	return nil
}

// Encode writes m to w as a GLB with FB_ngon_encoding: triangles that any
// viewer draws, in an order from which readers that know the extension, such as
// [Decode], rebuild the quads and n-gons. One node, one mesh, one grey
// two-sided material, positions and normals in float32. The node of a mesh far
// from the origin, very large or very small holds its centre and scale, and the
// positions lie around zero.
//
// What comes back is m with coordinates rounded to float32 around the node's
// centre, vertices at one position joined, and those that no face uses left
// out; a face may start with another of its corners.
// Vertices at different positions never become one, so that a closed surface
// stays closed. Faces of five or more corners that can't be drawn as a fan come
// back in parts.
//
// The error wraps [mesh.ErrEmpty], [mesh.ErrNotFinite] (also if a coordinate
// overflows float64), [mesh.ErrFace], [ErrLimit] beyond 4 GiB, or is w's.
// The bytes depend on m and o alone.
func Encode(w io.Writer, m *mesh.Mesh, o WriteOptions) error {
	if err := encode(w, m, o); err != nil {
		return fmt.Errorf("gltf.Encode: %w", err)
	}
	return nil
}

func encode(w io.Writer, m *mesh.Mesh, o WriteOptions) error {
	if err := m.Validate(); err != nil {
		return err
	}
	l, err := layOut(m, o)
	if err != nil {
		return err
	}
	return flush(w, l.doc)
}

// laid is a mesh on its way to a file.
type laid struct {
	doc    *qgltf.Document
	mesh   *mesh.Mesh // around zero
	at     frame
	shaded shaded
}

// layOut makes the document of a mesh. Errors are those of [Encode].
func layOut(m *mesh.Mesh, o WriteOptions) (l laid, err error) {
	if l.mesh, l.at, err = place(m); err != nil {
		return l, err
	}
	corners := fans(l.mesh)
	if len(corners) == 0 {
		return l, mesh.ErrEmpty
	}
	l.shaded = shade(l.mesh, o.Normals)
	buf := pack(l.shaded, corners)
	if len(buf.data) > math.MaxUint32-maxDocument {
		return l, fmt.Errorf("%w: %d bytes of geometry, a GLB holds 4 GiB", ErrLimit, len(buf.data))
	}
	l.doc = document(l.shaded, corners, buf, l.at)
	return l, nil
}

// flush writes a document as a GLB.
func flush(w io.Writer, doc *qgltf.Document) error {
	out := bufio.NewWriter(w) // It remembers errors, which the encoder drops.
	if err := qgltf.NewEncoder(out).Encode(doc); err != nil {
		return err
	}
	return out.Flush()
}

// maxDocument is more than the JSON of any file written here.
const maxDocument = 1 << 16

func bounds(points [][3]float32) (lo, hi []float64) {
	lo, hi = make([]float64, 3), make([]float64, 3)
	for i, p := range points {
		for axis, x := range p {
			x := float64(x)
			if i == 0 {
				lo[axis], hi[axis] = x, x
			}
			lo[axis], hi[axis] = min(lo[axis], x), max(hi[axis], x)
		}
	}
	return lo, hi
}

// packed is the binary chunk: positions, normals, indices.
type packed struct {
	data    []byte
	normals int // offset
	indices int // offset
	kind    qgltf.ComponentType
}

// pack lays out the geometry. Indices take two bytes where they fit; 65535
// itself is no index, as it would restart the primitive.
func pack(s shaded, corners []int32) packed {
	const pointBytes = 12
	n := len(s.positions)
	b := packed{normals: n * pointBytes, indices: 2 * n * pointBytes, kind: qgltf.ComponentUshort}
	if n > math.MaxUint16 {
		b.kind = qgltf.ComponentUint
	}
	b.data = make([]byte, 0, b.indices+len(corners)*b.kind.ByteSize())
	for _, list := range [][][3]float32{s.positions, s.normals} {
		for _, p := range list {
			for _, x := range p {
				b.data = binary.LittleEndian.AppendUint32(b.data, math.Float32bits(x))
			}
		}
	}
	for _, c := range corners {
		if b.kind == qgltf.ComponentUint {
			b.data = binary.LittleEndian.AppendUint32(b.data, s.vertex[c])
		} else {
			b.data = binary.LittleEndian.AppendUint16(b.data, uint16(s.vertex[c]))
		}
	}
	return b
}

func document(s shaded, corners []int32, b packed, at frame) *qgltf.Document {
	n := len(s.positions)
	lo, hi := bounds(s.positions)
	return &qgltf.Document{
		Asset:          qgltf.Asset{Generator: Generator, Version: "2.0"},
		ExtensionsUsed: []string{extNgon},
		Scene:          qgltf.Index(0),
		Scenes:         []*qgltf.Scene{{Nodes: []int{0}}},
		Nodes: []*qgltf.Node{{
			Mesh: qgltf.Index(0), Translation: at.centre, Scale: [3]float64{at.scale, at.scale, at.scale},
		}},
		Meshes: []*qgltf.Mesh{{Primitives: []*qgltf.Primitive{{
			Attributes: qgltf.PrimitiveAttributes{qgltf.POSITION: 0, qgltf.NORMAL: 1},
			Indices:    qgltf.Index(2),
			Material:   qgltf.Index(0),
			Extensions: qgltf.Extensions{extNgon: struct{}{}},
		}}}},
		Materials: []*qgltf.Material{{DoubleSided: true, PBRMetallicRoughness: &qgltf.PBRMetallicRoughness{
			BaseColorFactor: &[4]float64{0.6, 0.6, 0.6, 1}, MetallicFactor: qgltf.Float(0), RoughnessFactor: qgltf.Float(0.8),
		}}},
		Accessors: []*qgltf.Accessor{
			{BufferView: qgltf.Index(0), Type: qgltf.AccessorVec3, Count: n, Min: lo, Max: hi},
			{BufferView: qgltf.Index(1), Type: qgltf.AccessorVec3, Count: n},
			{BufferView: qgltf.Index(2), Type: qgltf.AccessorScalar, ComponentType: b.kind, Count: len(corners)},
		},
		BufferViews: []*qgltf.BufferView{
			{ByteLength: b.normals, Target: qgltf.TargetArrayBuffer},
			{ByteOffset: b.normals, ByteLength: b.indices - b.normals, Target: qgltf.TargetArrayBuffer},
			{ByteOffset: b.indices, ByteLength: len(b.data) - b.indices, Target: qgltf.TargetElementArrayBuffer},
		},
		Buffers: []*qgltf.Buffer{{ByteLength: len(b.data), Data: b.data}},
	}
}
