package obj

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/morton-gen/morton/mesh"
)

// Read reads one OBJ file into a mesh. All objects and groups go into the same
// mesh, in file order. Info has the range of each.
//
// It understands v, f with corners v, v/vt, v//vn and v/vt/vn, negative indices,
// o, g, usemtl, mtllib, comments, LF, CRLF or CR at line ends, continued lines
// and a byte order mark. Other statements, and further numbers of a vertex such
// as a colour, are skipped. A face may use vertices that come later. A corner
// equal to the one before, or a last corner equal to the first, is dropped. So
// is a face with fewer than three distinct corners, and an unused vertex with a
// NaN or infinite coordinate. All are counted.
//
// The error wraps [ErrSyntax] with the line number, [ErrLimit], [mesh.ErrFace]
// for an index out of range, [mesh.ErrNotFinite] if a face uses a non-finite
// vertex, or [mesh.ErrEmpty] if no faces are left, or is r's.
func Read(r io.Reader, limits Limits) (*mesh.Mesh, Info, error) {
	limits = limits.WithDefaults()
	p := parser{limits: limits, mesh: &mesh.Mesh{}}
	in := newLines(r, limits)
	for {
		line, number, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, Info{}, err
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if err := p.statement(line, number); err != nil {
			return nil, Info{}, fmt.Errorf("obj.Read: line %d: %w", number, err)
		}
	}
	p.info.Lines = in.number - 1 // the last line read was the end
	return p.finish()
}

// ReadFile reads the file at path: see [Read].
func ReadFile(path string, limits Limits) (*mesh.Mesh, Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Info{}, fmt.Errorf("obj.ReadFile: %w", err)
	}
	defer f.Close()
	m, info, err := Read(f, limits)
	if err != nil {
		return nil, Info{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, info, nil
}
