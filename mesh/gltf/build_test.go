package gltf

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

// build puts together documents that no exporter would write.
type build struct {
	bin       bytes.Buffer
	views     []string
	accessors []string
}

// view appends data, aligned to four bytes, and returns its buffer view.
func (b *build) view(data any, extra string) int {
	for b.bin.Len()%4 != 0 {
		b.bin.WriteByte(0)
	}
	at := b.bin.Len()
	if err := binary.Write(&b.bin, binary.LittleEndian, data); err != nil {
		panic(err)
	}
	b.views = append(b.views, fmt.Sprintf(`{"buffer":0,"byteOffset":%d,"byteLength":%d%s}`, at, b.bin.Len()-at, extra))
	return len(b.views) - 1
}

// accessor appends an accessor with any further members and returns its index.
func (b *build) accessor(kind string, component, n int, extra string) int {
	b.accessors = append(b.accessors, fmt.Sprintf(`{"type":%q,"componentType":%d,"count":%d%s}`, kind, component, n, extra))
	return len(b.accessors) - 1
}

// list appends a view of data and an accessor of all of it.
func (b *build) list(kind string, component, n int, data any, extra string) int {
	v := b.view(data, "")
	return b.accessor(kind, component, n, fmt.Sprintf(`,"bufferView":%d%s`, v, extra))
}

func (b *build) points(p ...[3]float32) int { return b.list("VEC3", 5126, len(p), p, "") }
func (b *build) order(i ...uint16) int      { return b.list("SCALAR", 5123, len(i), i, "") }

// document returns the JSON with the members of rest, buffer 0 at uri.
func (b *build) document(uri, rest string) string {
	if uri != "" {
		uri = fmt.Sprintf(`"uri":%q,`, uri)
	}
	buffers := ""
	if b.bin.Len() > 0 {
		buffers = fmt.Sprintf(`"buffers":[{%s"byteLength":%d}],"bufferViews":[%s],`, uri, b.bin.Len(), strings.Join(b.views, ","))
	}
	return fmt.Sprintf(`{"asset":{"version":"2.0","generator":"test"},%s"accessors":[%s],%s}`,
		buffers, strings.Join(b.accessors, ","), rest)
}

func (b *build) glb(rest string) []byte { return glb(b.document("", rest), b.bin.Bytes()) }

func (b *build) dataURI() string {
	return "data:application/octet-stream;base64," + base64.StdEncoding.EncodeToString(b.bin.Bytes())
}

func glb(document string, bin []byte) []byte {
	for len(document)%4 != 0 {
		document += " "
	}
	var chunks []byte
	chunk := func(kind string, body []byte) {
		chunks = binary.LittleEndian.AppendUint32(chunks, uint32(len(body)))
		chunks = append(append(chunks, kind...), body...)
	}
	chunk(chunkJSON, []byte(document))
	if len(bin) > 0 {
		bin = append([]byte(nil), bin...)
		for len(bin)%4 != 0 {
			bin = append(bin, 0)
		}
		chunk(chunkBIN, bin)
	}
	out := append([]byte(glbMagic), 2, 0, 0, 0)
	out = binary.LittleEndian.AppendUint32(out, uint32(headerBytes+len(chunks)))
	return append(out, chunks...)
}

// shown is the rest of a document that shows one mesh with one primitive.
func shown(primitive string) string {
	return `"scene":0,"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0}],"meshes":[{"primitives":[{` + primitive + `}]}]`
}

var corner = [][3]float32{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}}

// tetrahedron is closed and faces outward.
func (b *build) tetrahedron() string {
	return fmt.Sprintf(`"attributes":{"POSITION":%d},"indices":%d`, b.points(corner...), b.order(0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3))
}

func decodeAll(t *testing.T, data []byte) (*mesh.Mesh, Info) {
	t.Helper()
	m, info, err := Decode(data, nil, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	return m, info
}

// volume returns the signed volume of a closed mesh: positive if it faces out.
func volume(m *mesh.Mesh) float64 {
	sum := 0.0
	for f := range m.NumFaces() {
		c := m.Face(f)
		for i := 1; i+1 < len(c); i++ {
			sum += m.Vertices[c[0]].Dot(m.Vertices[c[i]].Cross(m.Vertices[c[i+1]])) / 6
		}
	}
	return sum
}

// area returns the sum of the faces' areas, each by its own fan.
func area(m *mesh.Mesh) float64 {
	sum := 0.0
	for f := range m.NumFaces() {
		var ring []int32
		for c := m.Starts[f]; c < m.Starts[f+1]; c++ {
			ring = append(ring, c)
		}
		sum += newell(m, ring).Len() / 2
	}
	return sum
}

// sizes counts faces by their number of corners.
func sizes(m *mesh.Mesh) map[int]int {
	out := map[int]int{}
	for f := range m.NumFaces() {
		out[len(m.Face(f))]++
	}
	return out
}
