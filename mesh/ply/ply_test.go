package ply

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/build"
	"github.com/morton-gen/morton/mesh/limit"
)

const (
	square = "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
	faces  = "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
	points = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"
)

// packed puts numbers of any types together in a byte order.
func packed(order binary.ByteOrder, numbers ...any) string {
	var out bytes.Buffer
	for _, x := range numbers {
		if err := binary.Write(&out, order, x); err != nil {
			panic(err)
		}
	}
	return out.String()
}

// cases are shared by the tests and the fuzz seeds.
var cases = []struct {
	name    string
	text    string
	corners []int32
	starts  []int32
	err     error
	says    string
}{
	{name: "quad", text: square + faces + points + "4 0 1 2 3\n", corners: []int32{0, 1, 2, 3}, starts: []int32{0, 4}},
	{name: "one line", text: square + faces + strings.ReplaceAll(points, "\n", " ") + "4 0 1 2 3", corners: []int32{0, 1, 2, 3}, starts: []int32{0, 4}},
	{name: "CRLF", text: strings.ReplaceAll(square+faces+points+"3 0 1 2\n", "\n", "\r\n"), corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "CR", text: strings.ReplaceAll(square+faces+points+"3 0 1 2\n", "\n", "\r"), corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{
		name: "other elements, properties and names",
		text: "ply\nformat ascii 1.0\ncomment made by hand\nobj_info n 4\nelement camera 2\nproperty double f\nproperty list uchar float k\nelement vertex 4\n" +
			"property uchar red\nproperty double z\nproperty list int short tags\nproperty int y\nproperty float64 x\nelement face 2\n" +
			"property uchar flags\nproperty list uint32 uint16 vertex_index\nproperty list uchar float texcoord\nelement edge 1\nproperty int vertex1\nend_header\n" +
			"35 3 1 2 3\n50 0\n255 0 2 7 7 0 0\n0 0 0 0 1\n0 0 1 9 1 1\n0 0 0 1 0\n1 3 0 1 2 6 0 0 1 0 1 1\n2 4 3 2 1 0 0\n5\n",
		corners: []int32{0, 1, 2, 3, 2, 1, 0}, starts: []int32{0, 3, 7},
	},
	{
		name:    "faces first",
		text:    "ply\nformat ascii 1.0\nelement face 1\nproperty list uchar int vertex_indices\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nend_header\n3 2 1 0\n0 0 0\n1 0 0\n0 1 0\n",
		corners: []int32{2, 1, 0}, starts: []int32{0, 3},
	},
	{
		name: "little-endian",
		text: "ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty float x\nproperty double y\nproperty short z\nproperty uchar c\nelement face 1\nproperty list ushort uint vertex_indices\nproperty list uchar double q\nend_header\n" +
			packed(binary.LittleEndian, float32(0), float64(0), int16(-7), uint8(9), float32(1), float64(0), int16(0), uint8(9), float32(0), 1.0, int16(0), uint8(9), uint16(3), [3]uint32{2, 1, 0}, uint8(1), 5.0),
		corners: []int32{2, 1, 0}, starts: []int32{0, 3},
	},
	{
		name: "big-endian after CRLF",
		text: "ply\r\nformat binary_big_endian 1.0\r\nelement vertex 3\r\nproperty int8 x\r\nproperty uint32 y\r\nproperty float z\r\nelement face 1\r\nproperty list int32 int8 vertex_indices\r\nend_header\r\n" +
			packed(binary.BigEndian, int8(-1), uint32(10), float32(0), int8(13), uint32(0), float32(0), int8(0), uint32(1), float32(0), int32(3), [3]int8{0, 1, 2}),
		corners: []int32{0, 1, 2}, starts: []int32{0, 3},
	},
	{
		name:    "strips",
		text:    square + "element tristrips 1\nproperty list int int vertex_indices\nend_header\n" + points + "9 0 1 3 2 -1 2 3 1 0\n",
		corners: []int32{0, 1, 3, 3, 1, 2, 2, 3, 1, 1, 3, 0}, starts: []int32{0, 3, 6, 9, 12},
	},
	{name: "dropped", text: strings.Replace(square+faces, "face 1", "face 4", 1) + points + "2 0 1\n0\n4 0 0 1 0\n5 0 1 1 2 0\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "NaN in no face", text: square + faces + "nan 0 0\n0 0 0\n1 0 0\n1 1 0\n3 1 2 3\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "an element without properties", text: "ply\nformat ascii 1.0\nelement nothing 9000000000000000000\nelement" + strings.TrimPrefix(square+faces, "ply\nformat ascii 1.0\nelement") + points + "3 0 1 2\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "more after the end", text: square + faces + points + "3 0 1 2\nand so on\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},

	{name: "point cloud", text: square + "end_header\n" + points, err: mesh.ErrEmpty, says: "4 points and nothing between"},
	{name: "no area in any face", text: square + faces + points + "2 0 1\n", err: mesh.ErrEmpty, says: "none of 1"},
	{name: "empty", err: ErrSyntax},
	{name: "another format", text: "solid ply\n", err: ErrSyntax},
	{name: "no end of the header", text: square, err: ErrSyntax, says: "header"},
	{name: "no format", text: "ply\nend_header\n", err: ErrSyntax, says: "format"},
	{name: "unknown format", text: "ply\nformat binary_middle_endian 1.0\nend_header\n", err: ErrSyntax, says: "middle"},
	{name: "other version", text: "ply\nformat ascii 2.0\nend_header\n", err: ErrSyntax, says: "line 2"},
	{name: "unknown word", text: "ply\nformat ascii 1.0\nelephant 3\nend_header\n", err: ErrSyntax, says: "elephant"},
	{name: "unknown type", text: "ply\nformat ascii 1.0\nelement vertex 1\nproperty quad x\nend_header\n", err: ErrSyntax, says: "quad x"},
	{name: "property of nothing", text: "ply\nformat ascii 1.0\nproperty float x\nend_header\n", err: ErrSyntax},
	{name: "list counted by fractions", text: "ply\nformat ascii 1.0\nelement face 1\nproperty list float int vertex_indices\nend_header\n", err: ErrSyntax},
	{name: "negative count", text: "ply\nformat ascii 1.0\nelement vertex -1\nend_header\n", err: ErrSyntax},
	{name: "count of 30 digits", text: "ply\nformat ascii 1.0\nelement vertex 999999999999999999999999999999\nend_header\n", err: ErrSyntax},
	{name: "no z", text: "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nend_header\n0 0\n", err: ErrSyntax, says: "x, y and z"},
	{name: "short", text: square + faces + points[:9], err: ErrSyntax, says: "ends before"},
	{name: "short list", text: square + faces + points + "4 0 1 2", err: ErrSyntax, says: "element face: row 0"},
	{name: "word for a number", text: square + faces + "0 zero 0\n", err: ErrSyntax, says: "zero"},
	{name: "fraction for an index", text: square + faces + points + "3 0 1 1.5\n", err: ErrSyntax, says: "1.5"},
	{name: "negative list", text: square + faces + points + "-3 0 1 2\n", err: ErrSyntax, says: "-3"},
	{name: "index too high", text: square + faces + points + "3 0 1 4\n", err: mesh.ErrFace, says: "4"},
	{name: "index below zero", text: square + faces + points + "3 0 1 -1\n", err: mesh.ErrFace},
	{name: "index of 20 digits", text: square + faces + points + "3 0 1 99999999999999999999\n", err: mesh.ErrFace},
	{name: "infinite", text: square + faces + "inf 0 0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2\n", err: mesh.ErrNotFinite, says: "vertex 0"},
	{name: "endless word", text: square + faces + strings.Repeat("7", 5000), err: build.ErrToken},
	{name: "many vertices said", text: strings.Replace(square+faces, "vertex 4", "vertex 9000000000000000000", 1) + points, err: ErrSyntax},
	{name: "long list said", text: "ply\nformat binary_little_endian 1.0\nelement face 1\nproperty list uint uchar vertex_indices\nend_header\n\xff\xff\xff\xff", err: limit.ErrLimit, says: "--mesh-limit face-corners=N"},
	{name: "long skipped list said", text: "ply\nformat binary_little_endian 1.0\nelement other 1\nproperty list uint double x\nend_header\n\xff\xff\xff\xff", err: ErrSyntax},
}

func TestRead(t *testing.T) {
	for _, c := range cases {
		m, _, err := Read(strings.NewReader(c.text), limit.Limits{})
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
			continue
		}
		if err != nil {
			if m != nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %q does not say %q, or a mesh came with it", c.name, err, c.says)
			}
			continue
		}
		if !slices.Equal(m.Corners, c.corners) || !slices.Equal(m.Starts, c.starts) {
			t.Errorf("%s: corners %v starts %v, want %v %v", c.name, m.Corners, m.Starts, c.corners, c.starts)
		}
	}
}

func TestReadNumbers(t *testing.T) {
	for name, want := range map[string][]mesh.Vec3{
		"other elements, properties and names": {{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}},
		"little-endian":                        {{0, 0, -7}, {1, 0, 0}, {0, 1, 0}},
		"big-endian after CRLF":                {{-1, 10, 0}, {13, 0, 0}, {0, 1, 0}},
	} {
		for _, c := range cases {
			if c.name != name {
				continue
			}
			m, _, err := Read(strings.NewReader(c.text), limit.Limits{})
			if err != nil || !slices.Equal(m.Vertices, want) {
				t.Errorf("%s: %v, want %v, %v", name, m.Vertices, want, err)
			}
		}
	}
}

func TestInfo(t *testing.T) {
	text := strings.Replace(square+faces, "face 1", "face 3", 1) + "0 0 0\n1 0 0\n1 1 0\ninf 1 0\n2 0 1\n4 0 1 1 2\n3 0 2 1\n"
	m, info, err := Read(strings.NewReader(text), limit.Limits{})
	want := Info{build.Counts{Vertices: 4, Faces: 3, DroppedFaces: 1, DroppedCorners: 1, DroppedVertices: 1}, "ascii"}
	if err != nil || info != want || m.NumFaces() != 2 {
		t.Errorf("%+v, want %+v, %v", info, want, err)
	}
}

func TestLimits(t *testing.T) {
	text := square + faces + points + "4 0 1 2 3\n"
	exact := limit.Limits{Bytes: int64(len(text)), LineBytes: 45, Vertices: 4, Faces: 1, Corners: 4, FaceCorners: 4, Names: 10}
	if _, _, err := Read(strings.NewReader(text), exact); err != nil {
		t.Fatalf("at the limits: %v", err)
	}
	for name, lower := range map[string]func(*limit.Limits){
		"bytes": func(l *limit.Limits) { l.Bytes-- }, "line": func(l *limit.Limits) { l.LineBytes = 30 },
		"vertices": func(l *limit.Limits) { l.Vertices-- }, "corners": func(l *limit.Limits) { l.Corners-- },
		"face": func(l *limit.Limits) { l.FaceCorners-- }, "names": func(l *limit.Limits) { l.Names = 8 },
	} {
		l := exact
		lower(&l)
		if _, _, err := Read(strings.NewReader(text), l); !errors.Is(err, limit.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrite(t *testing.T) {
	big := mesh.Grid(1)
	many := make([]int32, 300)
	for i := range many {
		a := 2 * math.Pi * float64(i) / 300
		many[i] = big.AddVertex(mesh.Vec3{math.Cos(a), math.Sin(a), 1e-300})
	}
	if err := big.AddFace(many...); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*mesh.Mesh{mesh.Cube(), mesh.QuadSphere(5), big, mesh.Transformed(mesh.Cube(), mesh.Transform{Scale: 0.1, Offset: mesh.Vec3{1e15, 0, -1e-9}}.Matrix())} {
		path := filepath.Join(t.TempDir(), "a.ply")
		if err := WriteFile(path, m); err != nil {
			t.Fatal(err)
		}
		again, info, err := ReadFile(path, limit.Limits{})
		if err != nil || !reflect.DeepEqual(again, m) || info.DroppedCorners+info.DroppedFaces+info.DroppedVertices > 0 {
			t.Errorf("%d faces: another mesh came back: %+v, %v", m.NumFaces(), info, err)
		}
	}
	bad := mesh.Cube()
	bad.Vertices[0][0] = math.NaN()
	var out bytes.Buffer
	if err := Write(&out, bad); !errors.Is(err, mesh.ErrNotFinite) || out.Len() > 0 {
		t.Errorf("NaN: %v, %d bytes", err, out.Len())
	}
	full := errors.New("full")
	if err := Write(failing{full}, mesh.Cube()); !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
	if _, _, err := Read(io.MultiReader(strings.NewReader(square), failing{full}), limit.Limits{}); !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
func (f failing) Read([]byte) (int, error)  { return 0, f.err }

var fuzzLimits = limit.Limits{Bytes: 1 << 16, LineBytes: 1 << 10, Vertices: 1 << 12, Faces: 1 << 12, Corners: 1 << 14, FaceCorners: 1 << 10, Names: 1 << 8}

// FuzzRead: whatever the bytes are, they give one of the errors or a valid mesh,
// cost memory by their length, and what comes back from writing is the same.
func FuzzRead(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, _, err := Read(bytes.NewReader(data), fuzzLimits)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20+256*uint64(len(data)) {
			t.Fatalf("%d bytes allocated for %d of input, error %v", got, len(data), err)
		}
		if err != nil {
			for _, known := range []error{ErrSyntax, build.ErrToken, limit.ErrLimit, mesh.ErrFace, mesh.ErrNotFinite, mesh.ErrEmpty} {
				if errors.Is(err, known) {
					return
				}
			}
			t.Fatalf("an error without a kind: %v", err)
		}
		if err := m.Validate(); err != nil || m.NumFaces() == 0 {
			t.Fatalf("%d faces, %v", m.NumFaces(), err)
		}
		var out bytes.Buffer
		if err := Write(&out, m); err != nil {
			t.Fatal(err)
		}
		again, _, err := Read(&out, limit.Limits{})
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%v: wrote %+v, got %+v", err, m, again)
		}
	})
}

func Example() {
	var file bytes.Buffer
	if err := Write(&file, mesh.Grid(1)); err != nil {
		fmt.Println(err)
		return
	}
	m, info, err := Read(&file, limit.Limits{})
	fmt.Println(m.NumFaces(), "face of", len(m.Face(0)), "corners,", info.Format, err)
	// Output: 1 face of 4 corners, binary_little_endian <nil>
}
