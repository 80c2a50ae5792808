package obj

import (
	"bytes"
	"errors"
	"io"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

const square = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"

// cases are shared by the tests and the fuzz seeds.
var cases = []struct {
	name    string
	text    string
	corners []int32
	starts  []int32
	err     error
	says    string // part of the message
}{
	{name: "quad", text: square + "f 1 2 3 4\n", corners: []int32{0, 1, 2, 3}, starts: []int32{0, 4}},
	{name: "no newline at the end", text: square + "f 1 2 3", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "CRLF", text: strings.ReplaceAll(square+"f 1 2 3 4\n", "\n", "\r\n"), corners: []int32{0, 1, 2, 3}, starts: []int32{0, 4}},
	{name: "byte order mark", text: "\ufeff" + square + "f 1 2 3\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "textures and normals", text: square + "f 1/7 2//9 3/4/5 4/\n", corners: []int32{0, 1, 2, 3}, starts: []int32{0, 4}},
	{name: "negative", text: square + "f -4 -3 -2\nv 5 5 5\nf -1 -2 -3\n", corners: []int32{0, 1, 2, 4, 3, 2}, starts: []int32{0, 3, 6}},
	{name: "faces before vertices", text: "f 1 2 3\n" + square, corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "joined lines", text: square + "f 1 2 \\\n3 \\\r\n 4\nf 1 2 3", corners: []int32{0, 1, 2, 3, 0, 1, 2}, starts: []int32{0, 4, 7}},
	{name: "comment ending in a backslash", text: square + "# C:\\models\\\nf 1 2 3\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "comment after a face", text: square + "  f\t1 2 3 # 4\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "colours and weight", text: "v 0 0 0 1\nv 1 0 0 .5 .5 .5\nv 1 1 0 1 .5 .5 .5\nf 1 2 3\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "repeated corners", text: square + "f 1 1 2 3 3 4 1\nf 1 2 2\n", corners: []int32{0, 1, 2, 3}, starts: []int32{0, 4}},
	{name: "unknown statements", text: "mtllib missing file.mtl\nvp 1\ncurv 0 1 2\n" + square + "s 1\nl 1 2\nf 1 2 3\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},

	{name: "empty normal", text: square + "f 1/1/ 2/1/ 3/1/\nf 1// 2// 3//\n", corners: []int32{0, 1, 2, 0, 1, 2}, starts: []int32{0, 3, 6}},
	{name: "two corners beside a face", text: square + "f 1 2\nf 1\nf\nf 1 2 3\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "comment at a corner", text: "v 0 0 0#a\nv 1 0 0\nv 1 1 0\nf 1 2 3#4\n", corners: []int32{0, 1, 2}, starts: []int32{0, 3}},
	{name: "blank after a backslash", text: square + "f 1 2 \\ \n3 \\\t \r\n 4\n", corners: []int32{0, 1, 2, 3}, starts: []int32{0, 4}},
	{name: "CR", text: strings.ReplaceAll(square+"f 1 2 \\\n3 4\n# f 1 2 3\nf 1 2 3", "\n", "\r"), corners: []int32{0, 1, 2, 3, 0, 1, 2}, starts: []int32{0, 4, 7}},
	{name: "long comments", text: "#" + strings.Repeat("x", 5<<20) + "\n" + square + "f 1 2 3 #" + strings.Repeat(" 4", 3<<20) + "\nf 2 3 4", corners: []int32{0, 1, 2, 1, 2, 3}, starts: []int32{0, 3, 6}},
	{name: "NaN in no face", text: "v nan 0 0\n" + square + "v 1 inf 0\nf 2 3 4\nv 1 1e999 -inf\nv 7 7 7\nf 5 4 -1\n", corners: []int32{0, 1, 2, 3, 2, 4}, starts: []int32{0, 3, 6}},

	{name: "empty", text: "", err: mesh.ErrEmpty},
	{name: "two corners", text: square + "f 1 2\n", err: mesh.ErrEmpty, says: "none of 1 faces"},
	{name: "NaN and no face", text: "v 0 nan 0\n", err: mesh.ErrEmpty},
	{name: "points only", text: square + "p 1\n", err: mesh.ErrEmpty},
	{name: "only nothing", text: square + "f 1 1 1\n", err: mesh.ErrEmpty},
	{name: "index zero", text: square + "f 0 1 2\n", err: mesh.ErrFace, says: "line 5"},
	{name: "index too high", text: square + "f 1 2 3\nf 1 2 5\nf 1 2 3\n", err: mesh.ErrFace, says: "line 6"},
	{name: "index too low", text: square + "f 1 2 -5\n", err: mesh.ErrFace, says: "line 5"},
	{name: "index over the limit", text: square + "f 1 2 4000000000\n", err: mesh.ErrFace, says: "line 5"},
	{name: "NaN", text: "v 0 nan 0\n" + square + "f 3 2 1\n", err: mesh.ErrNotFinite, says: "line 1"},
	{name: "infinite", text: square + "v 0 0 -Inf\nf 1 2 3\nf 2 3 5\n", err: mesh.ErrNotFinite, says: "line 5"},
	{name: "too large", text: square + "f 1 2 5\nv 0 0 1e999\n", err: mesh.ErrNotFinite, says: "line 6"},
	{name: "two coordinates", text: "v 0 0\n", err: ErrSyntax, says: "line 1"},
	{name: "word for a number", text: "v 0 0 zero\n", err: ErrSyntax, says: "zero"},
	{name: "word for a corner", text: square + "\\\n\nf 1 2 x\n", err: ErrSyntax, says: "line 7"},
	{name: "four parts", text: square + "f 1/1/1/1 2 3\n", err: ErrSyntax},
	{name: "bad texture", text: square + "f 1/x 2 3\n", err: ErrSyntax},
	{name: "empty corner", text: square + "f /1 2 3\n", err: ErrSyntax},
	{name: "index of 20 digits", text: square + "f 1 2 99999999999999999999\n", err: ErrSyntax},
	{name: "binary", text: "glTF\x02\x00\x00\x00", err: ErrSyntax},
}

func TestRead(t *testing.T) {
	for _, c := range cases {
		m, _, err := Read(strings.NewReader(c.text), Limits{})
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
	m, _, err := Read(strings.NewReader("v -1.5e-3 +2 .5\nv 1e2 0x1p-2 -0\nv 3 3 3\nf 1 2 3"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []mesh.Vec3{{-0.0015, 2, 0.5}, {100, 0.25, math.Copysign(0, -1)}, {3, 3, 3}}
	if !reflect.DeepEqual(m.Vertices, want) {
		t.Errorf("%v, want %v", m.Vertices, want)
	}
}

func TestReadInfo(t *testing.T) {
	text := "mtllib a.mtl\n" + square + "f 1 2 3\no empty\no one two\ng a b\nusemtl red\nf 1 2 3 4\nf 2 3 4 4\ng\nf 1 2 2\nusemtl blue\nl 1 2\np 3\no last\nf 1 3 4"
	_, info, err := Read(strings.NewReader(text), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := Info{
		Objects:   []Part{{"one two", 1, 2}, {"last", 3, 1}},
		Groups:    []Part{{"a b", 1, 2}, {"", 3, 1}},
		Materials: []Part{{"red", 1, 2}, {"blue", 3, 1}},
		Libraries: []string{"a.mtl"},
		Lines:     19,
		Vertices:  4, Faces: 5,
		DroppedCorners: 2, DroppedFaces: 1, SkippedElements: 2,
	}
	if !reflect.DeepEqual(info, want) {
		t.Errorf("\n got %+v\nwant %+v", info, want)
	}
}

func TestReadLimits(t *testing.T) {
	text := "mtllib a\nusemtl b\n" + square + "f 1 2 3 4\nf 1 2 3\n"
	size := int64(len(text))
	exact := Limits{Bytes: size, LineBytes: 9, Vertices: 4, Faces: 2, Corners: 7, FaceCorners: 4, Names: 2}
	if _, _, err := Read(strings.NewReader(text), exact); err != nil {
		t.Fatalf("at the limits: %v", err)
	}
	for name, lower := range map[string]func(*Limits){
		"bytes": func(l *Limits) { l.Bytes-- }, "line": func(l *Limits) { l.LineBytes-- },
		"vertices": func(l *Limits) { l.Vertices-- }, "faces": func(l *Limits) { l.Faces-- },
		"corners": func(l *Limits) { l.Corners-- }, "face": func(l *Limits) { l.FaceCorners-- },
		"names": func(l *Limits) { l.Names-- },
	} {
		l := exact
		lower(&l)
		if _, _, err := Read(strings.NewReader(text), l); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v, want %v", name, err, ErrLimit)
		}
	}
	endless := io.MultiReader(strings.NewReader("f "), repeat("1 2 3 \\\n"))
	if _, _, err := Read(endless, Limits{}); !errors.Is(err, ErrLimit) {
		t.Errorf("an endless line: %v", err)
	}
}

// repeat is a reader that never ends.
type repeat string

func (r repeat) Read(b []byte) (int, error) { return copy(b, r), nil }

func TestReadFails(t *testing.T) {
	broken := errors.New("broken")
	r := io.MultiReader(strings.NewReader(square), failing{broken})
	if _, _, err := Read(r, Limits{}); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
	if _, _, err := ReadFile(filepath.Join(t.TempDir(), "none.obj"), Limits{}); err == nil {
		t.Error("a missing file was read")
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzRead(f *testing.F) {
	for _, c := range cases {
		if len(c.text) < 1<<12 {
			f.Add([]byte(c.text))
		}
	}
	limits := Limits{Bytes: 1 << 16, LineBytes: 1 << 12, Vertices: 1 << 12, Faces: 1 << 12, Corners: 1 << 14, FaceCorners: 1 << 10, Names: 1 << 8}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, info, err := Read(bytes.NewReader(text), limits)
		if err != nil {
			return
		}
		if err := m.Validate(); err != nil || m.NumFaces() == 0 {
			t.Fatalf("%d faces, %v", m.NumFaces(), err)
		}
		for _, parts := range [][]Part{info.Objects, info.Groups, info.Materials} {
			at := 0
			for _, p := range parts {
				if p.FirstFace < at || p.NumFaces < 1 || p.FirstFace+p.NumFaces > m.NumFaces() {
					t.Fatalf("part %+v after face %d of %d", p, at, m.NumFaces())
				}
				at = p.FirstFace + p.NumFaces
			}
		}
		var first, second bytes.Buffer
		if err := Write(&first, m); err != nil {
			t.Fatal(err)
		}
		again, _, err := Read(bytes.NewReader(first.Bytes()), Limits{})
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%v: wrote and read %+v, got %+v", err, m, again)
		}
		if err := Write(&second, again); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("written twice, and different: %v", err)
		}
	})
}
