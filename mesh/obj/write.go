package obj

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
)

// Write writes m as OBJ text: all vertices, then all faces, with indices from
// 1. Coordinates are the shortest decimals that read back to the same float64.
// The same mesh always gives the same bytes.
//
// It returns an error wrapping [mesh.ErrFace] or [mesh.ErrNotFinite] before
// anything is written if m is not valid, or an error of w.
func Write(w io.Writer, m *mesh.Mesh) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("obj.Write: %w", err)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	line := make([]byte, 0, 128)
	for _, p := range m.Vertices {
		line = append(line[:0], 'v')
		for _, x := range p {
			line = strconv.AppendFloat(append(line, ' '), x, 'g', -1, 64)
		}
		out.Write(append(line, '\n')) // errors stay until Flush
	}
	for f := range m.NumFaces() {
		line = append(line[:0], 'f')
		for _, v := range m.Face(f) {
			line = strconv.AppendInt(append(line, ' '), int64(v)+1, 10)
		}
		out.Write(append(line, '\n'))
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("obj.Write: %w", err)
	}
	return nil
}

// WriteFile writes m to the file at path: see [Write]. The file is written to a
// temporary name, synced and renamed, so path never holds a partial mesh.
func WriteFile(path string, m *mesh.Mesh) error {
	if err := atomicfile.Replace(path, func(w io.Writer) error { return Write(w, m) }); err != nil {
		return fmt.Errorf("obj.WriteFile: %w", err)
	}
	return nil
}
