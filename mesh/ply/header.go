package ply

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh/build"
	"github.com/morton-gen/morton/mesh/limit"
)

// ErrSyntax reports bytes that are not PLY, or end early.
var ErrSyntax = errkind.New("syntax", "bad PLY file")

// A PLY file is a text header that ends with end_header, then the elements in
// the header's order:
//
//	ply
//	format ascii 1.0             | binary_little_endian | binary_big_endian
//	comment any text             | obj_info any text
//	element vertex 8             name, count
//	property float x             type, name
//	element face 6
//	property list uchar int vertex_indices    type of the count, type, name
//	end_header
type header struct {
	format   string
	elements []element
}

type element struct {
	name       string
	count      int64
	properties []property
}

type property struct {
	name    string
	kind    scalar
	counted scalar // type of a list's count; 0 for a single number
}

// scalar is a number type.
type scalar int

const (
	none scalar = iota
	int8s
	uint8s
	int16s
	uint16s
	int32s
	uint32s
	float32s
	float64s
)

var scalars = map[string]scalar{
	"char": int8s, "int8": int8s, "uchar": uint8s, "uint8": uint8s,
	"short": int16s, "int16": int16s, "ushort": uint16s, "uint16": uint16s,
	"int": int32s, "int32": int32s, "uint": uint32s, "uint32": uint32s,
	"float": float32s, "float32": float32s, "double": float64s, "float64": float64s,
}

// size returns the size of a number in bytes.
func (s scalar) size() int { return [...]int{0, 1, 1, 2, 2, 4, 4, 4, 8}[s] }

func (s scalar) whole() bool { return s < float32s }

// readHeader reads up to and including end_header.
func readHeader(r *build.Reader, limits limit.Limits) (*header, error) {
	h := &header{}
	names := 0
	for number := 1; ; number++ {
		line, err := readLine(r, limits.LineBytes)
		if err == io.EOF {
			return nil, fmt.Errorf("%w: the header does not end", ErrSyntax)
		}
		if err != nil {
			return nil, err
		}
		if names++; names > limits.Names {
			return nil, limit.Over(limit.Names, int64(limits.Names))
		}
		words := strings.Fields(line)
		switch {
		case number == 1 && line != "ply":
			return nil, fmt.Errorf("%w: it does not begin with ply", ErrSyntax)
		case number == 1, len(words) == 0:
		case words[0] == "end_header":
			return h, h.check()
		default:
			if err := h.statement(words); err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
		}
	}
}

// readLine returns a header line without its end: LF, CRLF or CR. It consumes
// the LF after a CR, since binary data follows.
func readLine(r *build.Reader, most int) (string, error) {
	var line []byte
	for {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			return string(line), nil
		}
		if c == '\r' {
			if next, err := r.Peek(1); err == nil && next[0] == '\n' {
				r.Discard(1) // cannot fail
			}
			return string(line), nil
		}
		if len(line) == most {
			return "", limit.Over(limit.LineBytes, int64(most))
		}
		line = append(line, c)
	}
}

func (h *header) statement(words []string) error {
	switch words[0] {
	case "comment", "obj_info":
		return nil
	case "format":
		if len(words) < 3 || words[2] != "1.0" {
			return fmt.Errorf("%w: %q", ErrSyntax, strings.Join(words, " "))
		}
		h.format = words[1]
		return nil
	case "element":
		return h.element(words)
	case "property":
		return h.property(words)
	}
	return fmt.Errorf("%w: %.40q in the header", ErrSyntax, words[0])
}

func (h *header) element(words []string) error {
	if len(words) != 3 {
		return fmt.Errorf("%w: %q", ErrSyntax, strings.Join(words, " "))
	}
	n, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("%w: %.40q elements", ErrSyntax, words[2])
	}
	h.elements = append(h.elements, element{name: words[1], count: n})
	return nil
}

func (h *header) property(words []string) error {
	p := property{name: words[len(words)-1]}
	ok := len(words) == 3
	if len(words) == 5 && words[1] == "list" {
		p.counted, ok = scalars[words[2]]
		ok = ok && p.counted.whole()
	}
	if ok {
		p.kind, ok = scalars[words[len(words)-2]]
	}
	if !ok || len(h.elements) == 0 {
		return fmt.Errorf("%w: %.80q", ErrSyntax, strings.Join(words, " "))
	}
	last := &h.elements[len(h.elements)-1]
	last.properties = append(last.properties, p)
	return nil
}

func (h *header) check() error {
	switch h.format {
	case "ascii", "binary_little_endian", "binary_big_endian":
		return nil
	case "":
		return fmt.Errorf("%w: the header names no format", ErrSyntax)
	}
	return fmt.Errorf("%w: format %.40q", ErrSyntax, h.format)
}
