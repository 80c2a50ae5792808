package obj

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

// TestFaults reads files that other programs write and this one once refused or
// misread: each is the closed unit cube, and what else the file holds is
// counted.
func TestFaults(t *testing.T) {
	for name, want := range map[string]Info{
		"slash_trailing1.obj": {Vertices: 8, Faces: 6, Lines: 15},
		"slash_trailing2.obj": {Vertices: 8, Faces: 6, Lines: 14},
		"two_corner_face.obj": {Vertices: 8, Faces: 7, Lines: 15, DroppedFaces: 1},
		"comment_glued.obj":   {Vertices: 8, Faces: 6, Lines: 14},
		"nan_unused.obj":      {Vertices: 9, Faces: 6, Lines: 15, DroppedVertices: 1},
		"cr_only.obj":         {Vertices: 8, Faces: 6, Lines: 14},
	} {
		m, info, err := ReadFile(filepath.Join("testdata", name), Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if fmt.Sprint(info) != fmt.Sprint(want) {
			t.Errorf("%s: %+v, want %+v", name, info, want)
		}
		r, err := mesh.Measure(m)
		if err != nil || r.Quads != 6 || r.Faces != 6 || !r.Watertight || math.Abs(r.Volume-1) > 1e-12 || r.Vertices != 8 {
			t.Errorf("%s: %+v, %v; want the unit cube", name, r, err)
		}
	}
}

// polygon is OBJ text of one face with n corners on a star, which is concave.
func polygon(n int) string {
	var text strings.Builder
	for i := range n {
		a, r := 2*math.Pi*float64(i)/float64(n), 1+0.5*float64(i%2)
		fmt.Fprintf(&text, "v %v %v 0\n", r*math.Cos(a), r*math.Sin(a))
	}
	text.WriteString("f")
	for i := range n {
		fmt.Fprintf(&text, " %d/%d/%d", i+1, i+1, i+1)
	}
	return text.String() + "\n"
}

func TestManyCorners(t *testing.T) {
	for _, n := range []int{5000, 1 << 16} {
		m, _, err := Read(strings.NewReader(polygon(n)), Limits{})
		if err != nil || m.NumFaces() != 1 || len(m.Face(0)) != n {
			t.Fatalf("%d corners: %v", n, err)
		}
	}
	text := polygon(1<<16 + 2)
	_, _, err := Read(strings.NewReader(text), Limits{})
	if !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "--mesh-limit face-corners=N") || !strings.Contains(err.Error(), "65536") {
		t.Errorf("over the limit: %v", err)
	}
	if _, _, err := Read(strings.NewReader(text), Limits{FaceCorners: 1 << 17}); err != nil {
		t.Errorf("with a higher limit: %v", err)
	}
}

// TestLongComment: a comment may be longer than a line, and costs no memory.
func TestLongComment(t *testing.T) {
	limits := Limits{LineBytes: 64}
	for _, text := range []string{
		"#" + strings.Repeat("x", 1000) + "\n" + square + "f 1 2 3\n",
		square + "f 1 2 3 # " + strings.Repeat("4 ", 1000) + "\r" + "f 2 3 4\n",
	} {
		in := newLines(strings.NewReader(text), limits.WithDefaults())
		for {
			line, _, err := in.next()
			if err != nil {
				break
			}
			if cap(line) > 1024 {
				t.Fatalf("%d bytes kept of a line", cap(line))
			}
		}
		m, _, err := Read(strings.NewReader(text), limits)
		if err != nil || m.NumFaces() < 1 || len(m.Face(0)) != 3 {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if _, _, err := Read(bytes.NewReader([]byte("v"+strings.Repeat(" ", 100)+"0 0 0 # late\n")), limits); !errors.Is(err, ErrLimit) {
		t.Errorf("blanks up to the limit: %v", err)
	}
}
