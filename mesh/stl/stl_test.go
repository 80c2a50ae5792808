package stl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/build"
	"github.com/morton-gen/morton/mesh/limit"
)

const two = `solid a square of two
 facet normal 0 0 1
  outer loop
   vertex 0 0 0
   vertex 1 0 0
   vertex 1 1 0
  endloop
 endfacet
 facet normal 0 0 1
  outer loop
   vertex -0 0.0 0e0
   vertex 1 1 0
   vertex 0 1 0
  endloop
 endfacet
endsolid a square of two
`

// packed makes a binary file that says it has n triangles.
func packed(head string, n uint32, triangles ...[9]float32) string {
	var out bytes.Buffer
	out.WriteString(head + strings.Repeat(" ", 80-len(head)))
	write := func(x any) {
		if err := binary.Write(&out, binary.LittleEndian, x); err != nil {
			panic(err)
		}
	}
	write(n)
	for _, t := range triangles {
		write([3]float32{0, 0, 1})
		write(t)
		write(uint16(0x8421))
	}
	return out.String()
}

var (
	first  = [9]float32{0, 0, 0, 1, 0, 0, 1, 1, 0}
	second = [9]float32{float32(math.Copysign(0, -1)), 0, 0, 1, 1, 0, 0, 1, 0}
	square = []int32{0, 1, 2, 0, 2, 3}
)

// cases are shared by the tests and the fuzz seeds.
var cases = []struct {
	name    string
	text    string
	corners []int32
	err     error
	says    string
}{
	{name: "ASCII", text: two, corners: square},
	{name: "ASCII in upper case and CRLF", text: strings.ReplaceAll(strings.ToUpper(two), "\n", "\r\n"), corners: square},
	{name: "ASCII with CR", text: strings.ReplaceAll(two, "\n", "\r"), corners: square},
	{name: "ASCII of two solids", text: "\ufeff" + two + strings.Replace(two, "1 0 0", "9 0 0", 1), corners: []int32{0, 1, 2, 0, 2, 3, 0, 4, 2, 0, 2, 3}},
	{name: "ASCII without an end", text: two[:strings.Index(two, "endsolid")], corners: square},
	{name: "ASCII polygon", text: strings.Replace(two, "   vertex 1 1 0\n  endloop", "   vertex 1 1 0\n   vertex 0 1 0\n  endloop", 1), corners: []int32{0, 1, 2, 3, 0, 2, 3}},
	{name: "binary", text: packed("made by hand", 2, first, second), corners: square},
	{name: "binary that begins with solid", text: packed("solid of two", 2, first, second), corners: square},
	{name: "binary with more behind", text: packed("", 2, first, second) + "and so on", corners: square},
	{name: "binary with a triangle of two corners", text: packed("", 3, first, [9]float32{1, 0, 0, 1, 0, 0, 0, 0, 0}, second), corners: square},

	{name: "nothing", err: ErrSyntax},
	{name: "other text", text: "v 0 0 0\nf 1 1 1\n", err: ErrSyntax, says: "neither the word solid"},
	{name: "ASCII of no facets", text: "solid\nendsolid\n", err: mesh.ErrEmpty},
	{name: "binary of no triangles", text: packed("", 0), err: mesh.ErrEmpty},
	{name: "only lines", text: packed("", 1, [9]float32{1, 0, 0, 1, 0, 0, 0, 0, 0}), err: mesh.ErrEmpty, says: "none of 1"},
	{name: "ASCII cut in a loop", text: two[:100], err: ErrSyntax, says: "ends inside"},
	{name: "ASCII cut in a vertex", text: two[:strings.Index(two, "1 1 0")+3], err: ErrSyntax},
	{name: "word for a number", text: strings.Replace(two, "vertex 1 0", "vertex one 0", 1), err: ErrSyntax, says: "line 5"},
	{name: "unknown word", text: strings.Replace(two, "outer loop", "inner loop", 1), err: ErrSyntax, says: "inner"},
	{name: "vertex outside a loop", text: strings.Replace(two, "outer loop", "", 1), err: ErrSyntax, says: "vertex"},
	{name: "endless word", text: "solid\n" + strings.Repeat("x", 5000), err: build.ErrToken},
	{name: "NaN", text: strings.Replace(two, "vertex 1 0", "vertex nan 0", 1), err: mesh.ErrNotFinite},
	{name: "infinite", text: packed("", 1, [9]float32{0, 0, 0, float32(math.Inf(1)), 0, 0, 1, 1, 0}), err: mesh.ErrNotFinite},
	{name: "binary cut", text: packed("", 2, first, second)[:150], err: ErrSyntax, says: "triangle 1 of 2"},
	{name: "binary of four billion", text: packed("", math.MaxUint32, first), err: limit.ErrLimit, says: "--mesh-limit faces=N"},
	{name: "binary of sixteen million said", text: packed("", 1<<24, first), err: ErrSyntax},
}

func TestRead(t *testing.T) {
	for _, c := range cases {
		m, info, err := Read(strings.NewReader(c.text), limit.Limits{})
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
		if !slices.Equal(m.Corners, c.corners) || info.Binary != strings.HasPrefix(c.name, "binary") {
			t.Errorf("%s: corners %v, want %v, %+v", c.name, m.Corners, c.corners, info)
		}
		if want := []mesh.Vec3{{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}}; !slices.Equal(m.Vertices[:4], want) {
			t.Errorf("%s: vertices %v", c.name, m.Vertices)
		}
	}
}

func TestInfo(t *testing.T) {
	_, info, err := Read(strings.NewReader(packed("", 3, first, [9]float32{1, 0, 0, 1, 0, 0, 0, 0, 0}, second)), limit.Limits{})
	want := Info{build.Counts{Vertices: 9, Faces: 3, DroppedFaces: 1, DroppedCorners: 1}, true}
	if err != nil || info != want {
		t.Errorf("%+v, want %+v, %v", info, want, err)
	}
}

func TestLimits(t *testing.T) {
	for _, text := range []string{two, packed("", 2, first, second)} {
		exact := limit.Limits{Bytes: int64(len(text)), Vertices: 4, Faces: 2, Corners: 6, FaceCorners: 3}
		if _, _, err := Read(strings.NewReader(text), exact); err != nil {
			t.Fatalf("at the limits: %v", err)
		}
		for name, lower := range map[string]func(*limit.Limits){
			"bytes": func(l *limit.Limits) { l.Bytes-- }, "vertices": func(l *limit.Limits) { l.Vertices-- },
			"faces": func(l *limit.Limits) { l.Faces-- }, "corners": func(l *limit.Limits) { l.Corners-- },
			"face": func(l *limit.Limits) { l.FaceCorners-- },
		} {
			l := exact
			lower(&l)
			if _, _, err := Read(strings.NewReader(text), l); !errors.Is(err, limit.ErrLimit) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestWrite reads back what was written: binary where float32 keeps the shape,
// ASCII elsewhere, and closed if it was closed.
func TestWrite(t *testing.T) {
	sphere := mesh.QuadSphere(6)
	at := func(scale float64, shift mesh.Vec3) *mesh.Mesh {
		return mesh.Transformed(sphere, mesh.Transform{Scale: scale, Offset: shift}.Matrix())
	}
	close := mesh.Clone(sphere)
	close.Vertices[close.Corners[1]] = close.Vertices[close.Corners[0]].Add(mesh.Vec3{1e-12, 0, 0})
	for _, c := range []struct {
		name   string
		m      *mesh.Mesh
		binary bool
	}{
		{"cube", mesh.Cube(), true},
		{"sphere", sphere, true},
		{"beside the origin", at(1, mesh.Vec3{2, 2, 2}), true},
		{"UTM", at(10, mesh.Vec3{500_000.1, 4_100_000.3, 120}), false},
		{"tiny", at(1e-160, mesh.Vec3{}), false},
		{"huge", at(1e200, mesh.Vec3{}), false},
		{"two vertices that float32 joins", close, false},
	} {
		path := filepath.Join(t.TempDir(), "a.stl")
		if err := WriteFile(path, c.m); err != nil {
			t.Fatal(err)
		}
		got, info, err := ReadFile(path, limit.Limits{})
		if err != nil || info.Binary != c.binary || info.DroppedFaces > 0 {
			t.Errorf("%s: %+v, %v", c.name, info, err)
			continue
		}
		want, _ := mesh.Triangulate(c.m)
		if got.NumFaces() != want.NumFaces() {
			t.Fatalf("%s: %d triangles, want %d", c.name, got.NumFaces(), want.NumFaces())
		}
		for i, v := range want.Corners {
			a, b := got.Vertices[got.Corners[i]], want.Vertices[v]
			if c.binary && narrow(a) != narrow(b) || !c.binary && a != b {
				t.Fatalf("%s: corner %d at %v, want %v", c.name, i, a, b)
			}
		}
		unit, _, _, err := mesh.Normalize(got, 1)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := mesh.Measure(unit); err != nil || !r.Watertight || r.Euler != 2 {
			t.Errorf("%s: watertight %v, Euler %d, %v", c.name, r.Watertight, r.Euler, err)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	bad := mesh.Cube()
	bad.Vertices[0][0] = math.NaN()
	full := errors.New("full")
	for _, c := range []struct {
		m   *mesh.Mesh
		w   io.Writer
		err error
	}{
		{bad, io.Discard, mesh.ErrNotFinite},
		{&mesh.Mesh{}, io.Discard, mesh.ErrEmpty},
		{mesh.Cube(), failing{full}, full},
	} {
		if err := Write(c.w, c.m); !errors.Is(err, c.err) {
			t.Errorf("%v, want %v", err, c.err)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

var fuzzLimits = limit.Limits{Bytes: 1 << 16, LineBytes: 1 << 10, Vertices: 1 << 12, Faces: 1 << 12, Corners: 1 << 14, FaceCorners: 1 << 10}

// FuzzRead: whatever the bytes are, they give one of the errors or a valid mesh,
// cost memory by their length, and what is written can be read.
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
			for _, known := range []error{ErrSyntax, build.ErrToken, limit.ErrLimit, mesh.ErrNotFinite, mesh.ErrEmpty} {
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
		again, info, err := Read(&out, limit.Limits{})
		if want := len(m.Corners) - 2*m.NumFaces(); err != nil && !errors.Is(err, mesh.ErrEmpty) || info.Faces != want || again != nil && len(again.Vertices) > len(m.Vertices) {
			t.Fatalf("%v: %+v of %d triangles", err, info, want)
		}
	})
}

func Example() {
	var file bytes.Buffer
	if err := Write(&file, mesh.Cube()); err != nil {
		fmt.Println(err)
		return
	}
	m, info, err := Read(&file, limit.Limits{})
	fmt.Println(m.NumFaces(), "triangles over", len(m.Vertices), "vertices of", info.Vertices, err)
	// Output: 12 triangles over 8 vertices of 36 <nil>
}
