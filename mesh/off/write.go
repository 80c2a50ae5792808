package off

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
)

// Write writes m as OFF text: all vertices, then all faces. Coordinates are the
// shortest decimals that read back to the same float64. The same mesh always
// gives the same bytes.
//
// It returns an error wrapping [mesh.ErrFace] or [mesh.ErrNotFinite] before
// anything is written if m is not valid, or an error of w.
func Write(w io.Writer, m *mesh.Mesh) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("off.Write: %w", err)
	}
	out := bufio.NewWriterSize(w, 1<<16) // errors stay until Flush
	fmt.Fprintf(out, "OFF\n%d %d 0\n", len(m.Vertices), m.NumFaces())
	line := make([]byte, 0, 128)
	for _, p := range m.Vertices {
		line = line[:0]
		for _, x := range p {
			line = append(strconv.AppendFloat(line, x, 'g', -1, 64), ' ')
		}
		line[len(line)-1] = '\n'
		out.Write(line)
	}
	for f := range m.NumFaces() {
		face := m.Face(f)
		line = strconv.AppendInt(line[:0], int64(len(face)), 10)
		for _, v := range face {
			line = strconv.AppendInt(append(line, ' '), int64(v), 10)
		}
		out.Write(append(line, '\n'))
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("off.Write: %w", err)
	}
	return nil
}

// WriteFile writes m to the file at path: see [Write]. The file is written to a
// temporary name, synced and renamed, so path never holds a partial mesh.
func WriteFile(path string, m *mesh.Mesh) error {
	if err := atomicfile.Replace(path, func(w io.Writer) error { return Write(w, m) }); err != nil {
		return fmt.Errorf("off.WriteFile: %w", err)
	}
	return nil
}
