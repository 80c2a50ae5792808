package stl

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/build"
	"github.com/morton-gen/morton/mesh/limit"
)

// ErrSyntax reports bytes that are not STL, or end early.
var ErrSyntax = errkind.New("syntax", "bad STL file")

// Info describes what a file contained beside the mesh.
type Info struct {
	build.Counts      // Vertices is three per triangle, as in the file
	Binary       bool // false for ASCII
}

// Read reads one STL file into a mesh. The format repeats vertices in each
// triangle; those at equal positions (−0 equals 0) become one, in order of
// appearance. A triangle with two corners at one position is dropped and
// counted.
//
// A file is ASCII if it begins with "solid" and its first bytes contain no
// zero, since many binary files begin with that word too.
//
// The error wraps [ErrSyntax], [limit.ErrLimit], [mesh.ErrNotFinite], or
// [mesh.ErrEmpty] if no triangles are left, or is r's.
func Read(r io.Reader, limits limit.Limits) (*mesh.Mesh, Info, error) {
	m, info, err := read(r, limits)
	if err != nil {
		return nil, info, fmt.Errorf("stl.Read: %w", err)
	}
	return m, info, nil
}

// ReadFile reads the file at path: see [Read].
func ReadFile(path string, limits limit.Limits) (*mesh.Mesh, Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Info{}, fmt.Errorf("stl.ReadFile: %w", err)
	}
	defer f.Close()
	m, info, err := Read(f, limits)
	if err != nil {
		return nil, info, fmt.Errorf("%s: %w", path, err)
	}
	return m, info, nil
}

func read(r io.Reader, limits limit.Limits) (*mesh.Mesh, Info, error) {
	w := welder{build: build.New(limits), at: map[mesh.Vec3]int64{}}
	in := build.NewReader(r, w.build.Limits())
	head, err := in.Peek(512)
	if err != nil && err != io.EOF {
		return nil, Info{}, err
	}
	info := Info{Binary: !isText(head)}
	if info.Binary {
		err = readBinary(in, &w)
	} else {
		err = readText(in, &w)
	}
	if err != nil {
		return nil, info, err
	}
	m, counts, err := w.build.Finish()
	info.Counts = counts
	info.Vertices = w.given
	return m, info, err
}

func isText(head []byte) bool {
	text := bytes.TrimLeft(head, " \t\r\n\ufeff")
	return len(text) >= 5 && bytes.EqualFold(text[:5], []byte("solid")) && bytes.IndexByte(head, 0) < 0
}

// welder assigns one vertex to each position.
type welder struct {
	build *build.Builder
	at    map[mesh.Vec3]int64
	face  []int64
	given int // corners of all faces
}

// corner adds a corner to the face.
func (w *welder) corner(p mesh.Vec3) error {
	w.given++
	if err := w.build.CheckCorners(int64(len(w.face)) + 1); err != nil {
		return err
	}
	v, ok := w.at[p]
	if !ok {
		v = int64(w.build.Vertices())
		if err := w.build.Vertex(p); err != nil {
			return err
		}
		w.at[p] = v
	}
	w.face = append(w.face, v)
	return nil
}

// end adds the face and starts another.
func (w *welder) end() error {
	err := w.build.Face(w.face)
	w.face = w.face[:0]
	return err
}
