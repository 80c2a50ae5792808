package meshfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Errors a caller can branch on, beside those of the formats' packages.
var (
	// ErrNotMesh reports a file that is no mesh, by its name and first bytes, or
	// a name whose extension says no format to write.
	ErrNotMesh = errors.New("not a mesh")
	// ErrNotFile reports a folder, a pipe or a device where a file must be: they
	// cannot be read twice, and opening a pipe may wait for ever.
	ErrNotFile = errors.New("not a file")
	// ErrEmptyFile reports a file of no bytes.
	ErrEmptyFile = errors.New("empty file")
)

// Format is a kind of mesh file, by the name that people know.
type Format string

// The formats.
const (
	OBJ  Format = "OBJ"
	GLTF Format = "glTF" // GLB or .gltf
)

// Known says in a message which formats are read.
const Known = "OBJ, GLB and glTF"

var extensions = map[string]Format{
	".obj": OBJ, ".glb": GLTF, ".gltf": GLTF,
}

// Detect returns the format of a file: by its extension, and if that says
// nothing, by its first bytes. The error wraps [ErrNotMesh], [ErrNotFile],
// [ErrEmptyFile], or is the file system's.
func Detect(path string) (Format, error) {
	head, err := Head(path)
	if err != nil {
		return "", err
	}
	if f, ok := extensions[strings.ToLower(filepath.Ext(path))]; ok {
		return f, nil
	}
	if f := byBytes(head); f != "" {
		return f, nil
	}
	return "", fmt.Errorf("meshfile.Read: %w: %s (%s are read)", ErrNotMesh, path, Known)
}

// Head returns the first bytes, at most 512, of a regular file that has some.
// The error wraps [ErrNotFile], [ErrEmptyFile], or is the file system's.
func Head(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("meshfile.Read: %w: %s", ErrNotFile, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if n == 0 && err == io.EOF {
		return nil, fmt.Errorf("meshfile.Read: %w: %s", ErrEmptyFile, path)
	}
	if n == 0 {
		return nil, err
	}
	return head[:n], nil
}

// byBytes tells a format by its first bytes, or returns "".
func byBytes(head []byte) Format {
	text := bytes.TrimLeft(head, " \t\r\n\ufeff")
	switch {
	case bytes.HasPrefix(head, []byte("glTF")), bytes.HasPrefix(text, []byte("{")):
		return GLTF
	case bytes.HasPrefix(text, []byte("v ")), bytes.HasPrefix(text, []byte("o ")):
		return OBJ
	}
	return ""
}
