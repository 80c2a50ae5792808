package meshfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on, beside those of the formats' packages.
var (
	// ErrNotMesh reports a file that is not a mesh by its name and first bytes,
	// or an output name with an unknown extension.
	ErrNotMesh = errkind.New("not_a_mesh", "not a mesh")
	// ErrNotFile reports a folder, a pipe or a device in place of a file. These
	// cannot be read twice, and opening a pipe may block forever.
	ErrNotFile = errkind.New("not_a_file", "not a file")
	// ErrEmptyFile reports a file of no bytes.
	ErrEmptyFile = errkind.New("empty", "empty file")
)

// Format is a mesh file format, by its common name.
type Format string

// The formats.
const (
	OBJ  Format = "OBJ"
	GLTF Format = "glTF" // GLB or .gltf
	PLY  Format = "PLY"
	STL  Format = "STL"
	OFF  Format = "OFF"
)

// Known lists the formats in messages.
const Known = "OBJ, GLB, glTF, PLY, STL and OFF"

var extensions = map[string]Format{
	".obj": OBJ, ".glb": GLTF, ".gltf": GLTF, ".ply": PLY, ".stl": STL, ".off": OFF,
}

// Detect returns the format of a file by its extension or, failing that, by its
// first bytes. The error wraps [ErrNotMesh], [ErrNotFile] or [ErrEmptyFile], or
// is the file system's.
func Detect(path string) (Format, error) {
	head, err := Head(path)
	if err != nil {
		return "", err
	}
	if f, ok := extensions[strings.ToLower(filepath.Ext(path))]; ok {
		return f, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if f := byBytes(head, info.Size()); f != "" {
		return f, nil
	}
	return "", fmt.Errorf("meshfile.Read: %w: %s (%s are read)", ErrNotMesh, path, Known)
}

// Head returns the first 512 bytes or less of a non-empty regular file. The
// error wraps [ErrNotFile] or [ErrEmptyFile], or is the file system's.
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

var offKeyword = regexp.MustCompile(`^(ST)?C?N?4?n?OFF[\s0-9]`)

// byBytes detects a format by the first bytes and the file's size, or returns "".
// A binary STL has no magic number, but its size follows from its triangle count.
func byBytes(head []byte, size int64) Format {
	text := skipComments(head)
	switch {
	case bytes.HasPrefix(head, []byte("glTF")), bytes.HasPrefix(text, []byte("{")):
		return GLTF
	case bytes.HasPrefix(head, []byte("ply\n")), bytes.HasPrefix(head, []byte("ply\r")):
		return PLY
	case len(head) >= 84 && size > 84 && size == 84+50*int64(binary.LittleEndian.Uint32(head[80:])):
		return STL
	case bytes.HasPrefix(text, []byte("solid ")) && bytes.Contains(text, []byte("facet")):
		return STL
	case offKeyword.Match(text):
		return OFF
	case objStatement.Match(text):
		return OBJ
	}
	return ""
}

var objStatement = regexp.MustCompile(`^(v|vn|vt|o|g|s|mtllib|usemtl)[ \t]`)

// skipComments returns head without leading blank lines and comment lines.
func skipComments(head []byte) []byte {
	text := head
	for {
		text = bytes.TrimLeft(text, " \t\r\n\ufeff")
		if !bytes.HasPrefix(text, []byte("#")) {
			return text
		}
		end := bytes.IndexAny(text, "\r\n")
		if end < 0 {
			return nil
		}
		text = text[end:]
	}
}
