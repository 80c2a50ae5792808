package build

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/limit"
)

func TestBuilder(t *testing.T) {
	b := New(limit.Limits{})
	faces := [][]int64{{0, 1, 2}, {2, 2, 3, 1, 2}, {0, 1}, {1, 1, 1}, nil, {4, 2, 1}} // before their vertices
	for _, f := range faces {
		if err := b.Face(f); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 6 {
		p := mesh.Vec3{float64(i), float64(i * i), 0}
		if i == 5 {
			p[2] = math.NaN()
		}
		if err := b.Vertex(p); err != nil {
			t.Fatal(err)
		}
	}
	m, counts, err := b.Finish()
	want := Counts{Vertices: 6, Faces: 6, DroppedFaces: 3, DroppedCorners: 4, DroppedVertices: 1}
	if err != nil || counts != want || !slices.Equal(m.Corners, []int32{0, 1, 2, 2, 3, 1, 4, 2, 1}) || len(m.Vertices) != 5 {
		t.Errorf("%+v, want %+v, %+v, %v", counts, want, m, err)
	}
}

func TestBuilderErrors(t *testing.T) {
	for _, c := range []struct {
		face     []int64
		vertices int
		err      error
	}{
		{[]int64{0, 1, -1}, 3, mesh.ErrFace},
		{[]int64{0, 1, 1 << 40}, 3, mesh.ErrFace},
		{[]int64{0, 1, 3}, 3, mesh.ErrFace},
		{[]int64{0, 1, 1}, 3, mesh.ErrEmpty},
		{[]int64{0, 1, 2, 3, 4}, 5, limit.ErrLimit},
		{[]int64{0, 1, 2}, 9, limit.ErrLimit},
		{[]int64{0, 1, 2}, 3, nil},
	} {
		b := New(limit.Limits{Vertices: 8, FaceCorners: 4})
		err := b.Face(c.face)
		for range c.vertices {
			if err == nil {
				err = b.Vertex(mesh.Vec3{})
			}
		}
		if err == nil {
			_, _, err = b.Finish()
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%v of %d: %v, want %v", c.face, c.vertices, err, c.err)
		}
	}
	if _, counts, err := New(limit.Limits{}).Finish(); !errors.Is(err, mesh.ErrEmpty) {
		t.Errorf("nothing: %+v, %v", counts, err)
	}
}

func TestReader(t *testing.T) {
	r := NewReader(strings.NewReader("one two#three\r\nfour\rfive\n# six\n\nseven"), limit.Limits{}.WithDefaults())
	var words []string
	lines := []int{}
	for {
		w, err := r.Word(true)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		words, lines = append(words, string(w)), append(lines, r.Line())
	}
	if !slices.Equal(words, []string{"one", "two", "four", "five", "seven"}) || !slices.Equal(lines, []int{1, 1, 2, 3, 6}) {
		t.Errorf("%q in lines %v", words, lines)
	}
	long := NewReader(strings.NewReader(strings.Repeat("9", maxToken+1)), limit.Limits{}.WithDefaults())
	if _, err := long.Word(false); !errors.Is(err, ErrToken) {
		t.Errorf("a word of %d bytes: %v", maxToken+1, err)
	}
	if _, err := io.ReadAll(NewReader(strings.NewReader("12345"), limit.Limits{Bytes: 4})); !errors.Is(err, limit.ErrLimit) {
		t.Errorf("over the bytes: %v", err)
	}
	if all, err := io.ReadAll(NewReader(strings.NewReader("1234"), limit.Limits{Bytes: 4})); err != nil || len(all) != 4 {
		t.Errorf("at the bytes: %q, %v", all, err)
	}
}
