package stl

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/build"
	"github.com/morton-gen/morton/mesh/limit"
)

// A binary STL, all numbers little-endian:
//
//	0  any text, 80 bytes | count u32
//	84 for each triangle 50 bytes: normal, three corners, each three f32 | attribute u16
const (
	headBytes     = 84
	triangleBytes = 50
)

// readBinary reads the number of triangles that the header gives.
func readBinary(r *build.Reader, w *welder) error {
	head := make([]byte, headBytes)
	if _, err := io.ReadFull(r, head); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return fmt.Errorf("%w: neither the word solid nor the %d bytes that a binary file begins with", ErrSyntax, headBytes)
		}
		return err
	}
	n := binary.LittleEndian.Uint32(head[80:])
	if most := w.build.Limits().Faces; uint64(n) > uint64(most) {
		return fmt.Errorf("%d triangles: %w", n, limit.Over(limit.Faces, int64(most)))
	}
	row := make([]byte, triangleBytes)
	for i := range n {
		if _, err := io.ReadFull(r, row); err == io.EOF || err == io.ErrUnexpectedEOF {
			return fmt.Errorf("%w: it ends in triangle %d of %d", ErrSyntax, i, n)
		} else if err != nil {
			return err
		}
		if err := w.triangle(row); err != nil {
			return fmt.Errorf("triangle %d: %w", i, err)
		}
	}
	return nil
}

// triangle adds the triangle of one record.
func (w *welder) triangle(row []byte) error {
	for corner := range 3 {
		var p mesh.Vec3
		for axis := range p {
			p[axis] = float64(math.Float32frombits(binary.LittleEndian.Uint32(row[12+12*corner+4*axis:])))
		}
		if err := w.corner(p); err != nil {
			return err
		}
	}
	return w.end()
}
