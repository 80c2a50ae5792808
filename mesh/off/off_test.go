package off

import (
	"bytes"
	"errors"
	"fmt"
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

const points = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"

// cases are shared by the tests and the fuzz seeds.
var cases = []struct {
	name    string
	text    string
	corners []int32
	starts  []int32
	err     error
	says    string
}{
	{name: "quad", text: "OFF\n4 1 4\n" + points + "4 0 1 2 3\n", corners: []int32{0, 1, 2, 3}, starts: []int32{0, 4}},
	{name: "no keyword", text: "4 1 4\n" + points + "4 0 1 2 3", corners: []int32{0, 1, 2, 3}, starts: []int32{0, 4}},
	{name: "counts behind the keyword", text: "OFF 4 1 0\n" + points + "3 0 1 2\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "counts glued to the keyword", text: "OFF4 1 0\n" + points + "3 0 1 2\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "no count of edges", text: "\ufeffOFF\n4 1\n" + points + "3 0 1 2\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "counts on three lines", text: "OFF\n4\n1\n0\n" + points + "3 0 1 2\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "counts on lines with comments", text: "OFF # a\n4 # b\n# c\n1 # d\n\n  6 # e\r\n" + points + "3 0 1 2\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "counts on two lines", text: "OFF\n4\n1 5\n" + points + "3 0 1 2\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "coordinates on lines of their own", text: "OFF\n4 1 0\n0\n0\n0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "CRLF", text: strings.ReplaceAll("OFF\n4 1 0\n"+points+"3 0 1 2\n", "\n", "\r\n"), corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "CR", text: strings.ReplaceAll("OFF\n4 1 0\n"+points+"3 0 1 2\n", "\n", "\r"), corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "comments and blank lines", text: "# a\nOFF # b\n\n# c\n4 1 4#d\n0 0 0 # e\n\n1 0 0#f\n1 1 0\n 0 1 0\n# g\n3 0 1 2 # h", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "colours", text: "COFF\n4 2 0\n0 0 0 255 0 0 255\n1 0 0 0.5 0.5 0.5 1\n1 1 0 1 2 3 4\n0 1 0 7 7 7 7\n3 0 1 2 255 0 0\n3 0 2 3 0.1\n", corners: []int32{0, 1, 2, 0, 2, 3}, starts: []int32{0, 3, 6}},
	{name: "all kinds", text: "STCNOFF\n3 1 0\n0 0 0 0 0 1 9 9 9 9 0 0\n1 0 0 0 0 1 9 9 9 9 0 0\n1 1 0 0 0 1 9 9 9 9 0 0\n3 2 1 0", corners: []int32{2, 1, 0}, starts: []int32{0, 3}},
	{name: "dropped", text: "OFF\n4 4 0\n" + points + "2 0 1\n0\n4 0 0 1 0\n5 0 1 1 2 0\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "NaN in no face", text: "OFF\n4 1 0\nnan 0 0\n0 0 0\n1 0 0\n1 1 0\n3 1 2 3\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},

	{name: "points", text: "OFF\n4 0 0\n" + points, err: mesh.ErrEmpty, says: "4 points"},
	{name: "nothing", err: ErrSyntax},
	{name: "another format", text: "solid\n", err: ErrSyntax, says: "line 1"},
	{name: "four dimensions", text: "4OFF\n1 0 0\n0 0 0 1\n", err: ErrDialect, says: "4OFF"},
	{name: "n dimensions", text: "CnOFF\n5\n1 0 0\n0 0 0 0 1\n", err: ErrDialect, says: "CnOFF"},
	{name: "binary", text: "OFF BINARY\n\x00\x00", err: ErrDialect, says: "binary"},
	{name: "negative count", text: "OFF\n-4 1 0\n", err: ErrSyntax, says: "-4"},
	{name: "short", text: "OFF\n4 1 0\n" + points, err: ErrSyntax, says: "ends before"},
	{name: "short face", text: "OFF\n4 1 0\n" + points + "4 0 1 2", err: ErrSyntax},
	{name: "word for a number", text: "OFF\n4 1 0\n0 0 0\n0 zero 0\n", err: ErrSyntax, says: "line 4"},
	{name: "fraction for an index", text: "OFF\n4 1 0\n" + points + "3 0 1 1.5\n", err: ErrSyntax},
	{name: "index below zero", text: "OFF\n4 1 0\n" + points + "3 0 1 -1\n", err: ErrSyntax},
	{name: "index too high", text: "OFF\n4 1 0\n" + points + "3 0 1 4\n", err: mesh.ErrFace},
	{name: "NaN", text: "OFF\n4 1 0\nnan 0 0\n0 0 0\n1 0 0\n1 1 0\n3 0 2 3\n", err: mesh.ErrNotFinite},
	{name: "endless word", text: "OFF\n" + strings.Repeat("7", 5000), err: build.ErrToken},
	{name: "many vertices said", text: "OFF\n9000000000000000000 1 0\n" + points, err: ErrSyntax},
	{name: "many faces said", text: "OFF\n4 9000000000000000000 0\n" + points + "3 0 1 2\n", err: ErrSyntax},
	{name: "many corners said", text: "OFF\n4 1 0\n" + points + "9000000000000000000 0 1 2\n", err: limit.ErrLimit, says: "--mesh-limit face-corners=N"},
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
		if m.Vertices[0] != (mesh.Vec3{}) || m.Vertices[2] != (mesh.Vec3{1, 1, 0}) {
			t.Errorf("%s: vertices %v", c.name, m.Vertices)
		}
	}
}

func TestCounts(t *testing.T) {
	text := "OFF\n4 3 0\n0 0 0\n1 0 0\n1 1 0\ninf 1 0\n2 0 1\n4 0 1 1 2\n3 0 2 1\n"
	m, counts, err := Read(strings.NewReader(text), limit.Limits{})
	want := build.Counts{Vertices: 4, Faces: 3, DroppedFaces: 1, DroppedCorners: 1, DroppedVertices: 1}
	if err != nil || counts != want || m.NumFaces() != 2 {
		t.Errorf("%+v, want %+v, %v", counts, want, err)
	}
}

func TestLimits(t *testing.T) {
	text := "OFF\n4 1 0\n" + points + "4 0 1 2 3\n"
	exact := limit.Limits{Bytes: int64(len(text)), Vertices: 4, Faces: 1, Corners: 4, FaceCorners: 4}
	if _, _, err := Read(strings.NewReader(text), exact); err != nil {
		t.Fatalf("at the limits: %v", err)
	}
	for name, lower := range map[string]func(*limit.Limits){
		"bytes": func(l *limit.Limits) { l.Bytes -= 2 }, "vertices": func(l *limit.Limits) { l.Vertices-- },
		"corners": func(l *limit.Limits) { l.Corners-- }, "face": func(l *limit.Limits) { l.FaceCorners-- },
	} {
		l := exact
		lower(&l)
		if _, _, err := Read(strings.NewReader(text), l); !errors.Is(err, limit.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := Read(strings.NewReader(strings.Replace(text, "4 1 0", "4 2 0", 1)+"3 0 1 2"), limit.Limits{Faces: 1}); !errors.Is(err, limit.ErrLimit) {
		t.Errorf("faces: %v", err)
	}
}

func TestWrite(t *testing.T) {
	for _, m := range []*mesh.Mesh{mesh.Cube(), mesh.QuadSphere(5), mesh.Transformed(mesh.Cube(), mesh.Transform{Scale: 0.1, Offset: mesh.Vec3{1e15, 0, -1e-9}}.Matrix())} {
		path := filepath.Join(t.TempDir(), "a.off")
		if err := WriteFile(path, m); err != nil {
			t.Fatal(err)
		}
		again, counts, err := ReadFile(path, limit.Limits{})
		if err != nil || !reflect.DeepEqual(again, m) || counts.DroppedCorners+counts.DroppedFaces+counts.DroppedVertices > 0 {
			t.Errorf("%d faces: another mesh came back: %+v, %v", m.NumFaces(), counts, err)
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
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

var fuzzLimits = limit.Limits{Bytes: 1 << 16, LineBytes: 1 << 10, Vertices: 1 << 12, Faces: 1 << 12, Corners: 1 << 14, FaceCorners: 1 << 10}

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
			for _, known := range []error{ErrSyntax, ErrDialect, build.ErrToken, limit.ErrLimit, mesh.ErrFace, mesh.ErrNotFinite, mesh.ErrEmpty} {
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
	fmt.Print(file.String())
	m, counts, err := Read(&file, limit.Limits{})
	fmt.Println(m.NumFaces(), "of", counts.Faces, err)
	// Output:
	// OFF
	// 4 1 0
	// -1 -1 0
	// 1 -1 0
	// -1 1 0
	// 1 1 0
	// 4 0 1 3 2
	// 1 of 1 <nil>
}
