package family

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/obj"
)

// ReadMesh reads an OBJ, GLB or glTF file: by its extension, and if that says
// nothing, by its first bytes. The error wraps [ErrNotFile], [ErrEmptyFile], [ErrNotMesh],
// or is that of mesh/obj, mesh/gltf or the file system.
func ReadMesh(path string) (*mesh.Mesh, error) {
	head, err := readHead(path)
	if err != nil {
		return nil, err
	}
	switch meshFormat(path, head) {
	case "obj":
		m, _, err := obj.ReadFile(path, obj.Limits{})
		return m, err
	case "gltf":
		m, _, err := gltf.Read(path, gltf.ReadOptions{})
		return m, err
	}
	return nil, fmt.Errorf("family.ReadMesh: %w: %s (OBJ, GLB and glTF are read)", ErrNotMesh, path)
}

// readHead returns the first bytes of a file that has some. The error wraps
// [ErrNotFile], [ErrEmptyFile] or is the file system's.
func readHead(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("family.Decode: %w: %s", ErrNotFile, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if n == 0 && err == io.EOF {
		return nil, fmt.Errorf("family.Decode: %w: %s", ErrEmptyFile, path)
	}
	if n == 0 {
		return nil, err
	}
	return head[:n], nil
}

func meshFormat(path string, head []byte) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".obj":
		return "obj"
	case ".glb", ".gltf":
		return "gltf"
	}
	text := bytes.TrimLeft(head, " \t\r\n\ufeff")
	switch {
	case bytes.HasPrefix(head, []byte("glTF")), bytes.HasPrefix(text, []byte("{")):
		return "gltf"
	case bytes.HasPrefix(text, []byte("v ")), bytes.HasPrefix(text, []byte("o ")):
		return "obj"
	}
	return ""
}
