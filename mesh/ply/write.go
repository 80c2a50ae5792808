package ply

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
)

// Write writes m as a binary little-endian PLY file: vertices in float64, so
// that none is rounded, and faces as lists. The same mesh always gives the same
// bytes.
//
// It returns an error wrapping [mesh.ErrFace] or [mesh.ErrNotFinite] before
// anything is written if m is not valid, or an error of w.
func Write(w io.Writer, m *mesh.Mesh) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("ply.Write: %w", err)
	}
	counted := "uchar"
	for f := range m.NumFaces() {
		if len(m.Face(f)) > math.MaxUint8 {
			counted = "uint"
		}
	}
	out := bufio.NewWriterSize(w, 1<<16) // errors stay until Flush
	fmt.Fprintf(out, "ply\nformat binary_little_endian 1.0\ncomment made by morton\nelement vertex %d\n", len(m.Vertices))
	fmt.Fprintf(out, "property double x\nproperty double y\nproperty double z\n")
	fmt.Fprintf(out, "element face %d\nproperty list %s int vertex_indices\nend_header\n", m.NumFaces(), counted)
	writeBody(out, m, counted == "uint")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("ply.Write: %w", err)
	}
	return nil
}

func writeBody(out *bufio.Writer, m *mesh.Mesh, wide bool) {
	var row []byte
	for _, p := range m.Vertices {
		row = row[:0]
		for _, x := range p {
			row = binary.LittleEndian.AppendUint64(row, math.Float64bits(x))
		}
		out.Write(row)
	}
	for f := range m.NumFaces() {
		face := m.Face(f)
		if row = append(row[:0], byte(len(face))); wide {
			row = binary.LittleEndian.AppendUint32(row[:0], uint32(len(face)))
		}
		for _, v := range face {
			row = binary.LittleEndian.AppendUint32(row, uint32(v))
		}
		out.Write(row)
	}
}

// WriteFile writes m to the file at path: see [Write]. The file is written to a
// temporary name, synced and renamed, so path never holds a partial mesh.
func WriteFile(path string, m *mesh.Mesh) error {
	if err := atomicfile.Replace(path, func(w io.Writer) error { return Write(w, m) }); err != nil {
		return fmt.Errorf("ply.WriteFile: %w", err)
	}
	return nil
}
