package ply

import (
	"fmt"
	"io"
	"os"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/build"
	"github.com/morton-gen/morton/mesh/limit"
)

// Info describes what a file contained beside the mesh.
type Info struct {
	build.Counts
	Format string // ascii, binary_little_endian or binary_big_endian
}

// Read reads one PLY file into a mesh: the x, y and z of its vertices, the lists
// vertex_indices or vertex_index of its faces, and triangle strips. Numbers may
// be of any type. Other elements and properties are skipped.
//
// A corner equal to the one before is dropped. So is a face with fewer than
// three distinct corners, and an unused non-finite vertex. All are counted.
//
// The error wraps [ErrSyntax], [limit.ErrLimit], [mesh.ErrFace] for an index out
// of range, [mesh.ErrNotFinite], or [mesh.ErrEmpty] if there are no faces, as in
// a point cloud, or is r's.
func Read(r io.Reader, limits limit.Limits) (*mesh.Mesh, Info, error) {
	m, info, err := read(r, limits)
	if err != nil {
		return nil, info, fmt.Errorf("ply.Read: %w", err)
	}
	return m, info, nil
}

// ReadFile reads the file at path: see [Read].
func ReadFile(path string, limits limit.Limits) (*mesh.Mesh, Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Info{}, fmt.Errorf("ply.ReadFile: %w", err)
	}
	defer f.Close()
	m, info, err := Read(f, limits)
	if err != nil {
		return nil, info, fmt.Errorf("%s: %w", path, err)
	}
	return m, info, nil
}

func read(r io.Reader, limits limit.Limits) (*mesh.Mesh, Info, error) {
	b := build.New(limits)
	in := build.NewReader(r, b.Limits())
	h, err := readHeader(in, b.Limits())
	if err != nil {
		return nil, Info{}, err
	}
	info := Info{Format: h.format}
	body := &body{numbers: newNumbers(in, h.format), build: b}
	for _, e := range h.elements {
		if err := body.read(e); err != nil {
			return nil, info, fmt.Errorf("element %.40s: %w", e.name, err)
		}
	}
	m, counts, err := b.Finish()
	info.Counts = counts
	return m, info, err
}

// body reads what follows the header.
type body struct {
	numbers numbers
	build   *build.Builder
	point   mesh.Vec3
	list    []int64
}

// read reads all rows of an element.
func (b *body) read(e element) error {
	if len(e.properties) == 0 {
		return nil // its rows are empty, whatever their number
	}
	row := b.skipRow
	switch e.name {
	case "vertex":
		if !e.has("x") || !e.has("y") || !e.has("z") {
			return fmt.Errorf("%w: vertices without x, y and z", ErrSyntax)
		}
		row = b.vertex
	case "face":
		row = b.face
	case "tristrips":
		row = b.strip
	}
	for i := range e.count {
		if err := row(e.properties); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
	}
	return nil
}

// has reports whether e has a number of this name.
func (e *element) has(name string) bool {
	for _, p := range e.properties {
		if p.name == name && p.counted == none {
			return true
		}
	}
	return false
}

func (b *body) skipRow(properties []property) error {
	for _, p := range properties {
		if err := b.skip(p); err != nil {
			return err
		}
	}
	return nil
}

func (b *body) skip(p property) error {
	if p.counted == none {
		return b.numbers.skip(p.kind, 1)
	}
	n, err := b.length(p)
	if err != nil {
		return err
	}
	return b.numbers.skip(p.kind, n)
}

// length returns the length of a list: at most 2^32.
func (b *body) length(p property) (int64, error) {
	x, err := b.numbers.next(p.counted)
	if err != nil {
		return 0, err
	}
	if !(x >= 0 && x < 1<<32) {
		return 0, fmt.Errorf("%w: a list of %v", ErrSyntax, x)
	}
	return int64(x), nil
}

func (b *body) vertex(properties []property) error {
	for _, p := range properties {
		axis := -1
		if p.counted == none && len(p.name) == 1 && p.name[0] >= 'x' && p.name[0] <= 'z' {
			axis = int(p.name[0] - 'x')
		}
		if axis < 0 {
			if err := b.skip(p); err != nil {
				return err
			}
			continue
		}
		x, err := b.numbers.next(p.kind)
		if err != nil {
			return err
		}
		b.point[axis] = x
	}
	return b.build.Vertex(b.point)
}

func (b *body) face(properties []property) error {
	if err := b.indices(properties, b.build.CheckCorners); err != nil {
		return err
	}
	return b.build.Face(b.list)
}

// indices reads the vertex list of a row into b.list if check allows its
// length. It skips the rest of the row.
func (b *body) indices(properties []property, check func(n int64) error) error {
	b.list = b.list[:0]
	for _, p := range properties {
		if p.counted == none || p.name != "vertex_indices" && p.name != "vertex_index" {
			if err := b.skip(p); err != nil {
				return err
			}
			continue
		}
		n, err := b.length(p)
		if err != nil {
			return err
		}
		if err := check(n); err != nil {
			return err
		}
		if err := b.readList(p.kind, n); err != nil {
			return err
		}
	}
	return nil
}

func (b *body) readList(kind scalar, n int64) error {
	for range n {
		x, err := b.numbers.next(kind)
		if err != nil {
			return err
		}
		if !(x > -1<<33 && x < 1<<33) {
			return fmt.Errorf("%w: vertex %v", mesh.ErrFace, x)
		}
		b.list = append(b.list, int64(x))
	}
	return nil
}

// strip reads a row of triangle strips, each ended by -1. Every vertex after
// the first two makes a triangle with the two before; every second one is
// flipped.
func (b *body) strip(properties []property) error {
	if err := b.indices(properties, b.build.CheckStrip); err != nil {
		return err
	}
	start := 0
	for i, v := range b.list {
		switch n := i - start; {
		case v == -1:
			start = i + 1
		case n < 2:
		default:
			triangle := []int64{b.list[i-2], b.list[i-1], v}
			if n%2 == 1 {
				triangle[0], triangle[1] = triangle[1], triangle[0]
			}
			if err := b.build.Face(triangle); err != nil {
				return err
			}
		}
	}
	return nil
}
