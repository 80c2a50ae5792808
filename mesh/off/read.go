package off

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/build"
	"github.com/morton-gen/morton/mesh/limit"
)

// Errors a caller can branch on.
var (
	// ErrSyntax reports text that is not OFF, or ends early.
	ErrSyntax = errkind.New("syntax", "bad OFF file")
	// ErrDialect reports an unsupported kind of OFF file: binary, or not of
	// three dimensions. The message names it.
	ErrDialect = errkind.New("unsupported_format", "kind of OFF file that is not read")
)

// An OFF file consists of words; # begins a comment:
//
//	OFF                    ST, C and N may come before; all may be left out
//	8 6 12                 vertices, faces, edges (ignored)
//	0 0 0                  x y z of each vertex, then anything to the line's end
//	4 0 1 2 3              corners of each face, then a colour to the line's end

// Read reads one OFF file into a mesh. Anything after the coordinates of a vertex
// or the corners of a face on its line is skipped, and so is anything after the
// last face. The first count may follow OFF directly, as in some data sets.
//
// A corner equal to the one before is dropped. So is a face with fewer than three
// distinct corners, and an unused non-finite vertex. All are counted.
//
// The error wraps [ErrSyntax], [ErrDialect], [limit.ErrLimit], [mesh.ErrFace] for
// an index out of range, [mesh.ErrNotFinite], or [mesh.ErrEmpty] if there are no
// faces, or is r's.
func Read(r io.Reader, limits limit.Limits) (*mesh.Mesh, build.Counts, error) {
	b := build.New(limits)
	p := &parser{in: build.NewReader(r, b.Limits()), build: b}
	if err := p.read(); err != nil {
		return nil, build.Counts{}, fmt.Errorf("off.Read: line %d: %w", p.in.Line(), err)
	}
	m, counts, err := b.Finish()
	if err != nil {
		return nil, counts, fmt.Errorf("off.Read: %w", err)
	}
	return m, counts, nil
}

// ReadFile reads the file at path: see [Read].
func ReadFile(path string, limits limit.Limits) (*mesh.Mesh, build.Counts, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, build.Counts{}, fmt.Errorf("off.ReadFile: %w", err)
	}
	defer f.Close()
	m, counts, err := Read(f, limits)
	if err != nil {
		return nil, counts, fmt.Errorf("%s: %w", path, err)
	}
	return m, counts, nil
}

type parser struct {
	in    *build.Reader
	build *build.Builder
	face  []int64
}

func (p *parser) read() error {
	vertices, faces, err := p.header()
	if err != nil {
		return err
	}
	for range vertices {
		if err := p.vertex(); err != nil {
			return err
		}
	}
	for range faces {
		if err := p.addFace(); err != nil {
			return err
		}
	}
	return nil
}

var keyword = regexp.MustCompile(`^(ST)?(C)?(N)?(4)?(n)?OFF`)

// header reads the keyword, which may be missing, and the counts.
func (p *parser) header() (vertices, faces int64, err error) {
	word, err := p.word()
	if err != nil {
		return 0, 0, err
	}
	word = bytes.TrimPrefix(word, []byte("\ufeff"))
	if found := keyword.Find(word); found != nil {
		if bytes.ContainsAny(found, "4n") {
			return 0, 0, fmt.Errorf("%w: %s, of other dimensions than three", ErrDialect, found)
		}
		if word = word[len(found):]; len(word) == 0 {
			if word, err = p.word(); err != nil {
				return 0, 0, err
			}
		}
	}
	if string(word) == "BINARY" {
		return 0, 0, fmt.Errorf("%w: binary", ErrDialect)
	}
	if vertices, err = count(word); err != nil {
		return 0, 0, err
	}
	if word, err = p.word(); err != nil {
		return 0, 0, err
	}
	if faces, err = count(word); err != nil {
		return 0, 0, err
	}
	return vertices, faces, p.edges()
}

// edges skips the number of edges, which may be missing. It is on the line of the
// other counts or alone on the next; a vertex has at least three words.
func (p *parser) edges() error {
	ends, err := p.in.Ends()
	if err != nil {
		return err
	}
	if err := p.restOfLine(); err != nil || !ends {
		return err
	}
	alone, err := p.in.Alone()
	if err != nil || !alone {
		return err
	}
	_, err = p.word()
	return err
}

func (p *parser) vertex() error {
	var point mesh.Vec3
	for axis := range point {
		word, err := p.word()
		if err != nil {
			return err
		}
		x, err := strconv.ParseFloat(string(word), 64)
		if err != nil && !math.IsInf(x, 0) { // overflow gives infinity and an error
			return fmt.Errorf("%w: %.40q where a number should be", ErrSyntax, word)
		}
		point[axis] = x
	}
	if err := p.build.Vertex(point); err != nil {
		return err
	}
	return p.restOfLine()
}

// addFace reads a count and that many corners.
func (p *parser) addFace() error {
	word, err := p.word()
	if err != nil {
		return err
	}
	n, err := count(word)
	if err != nil {
		return err
	}
	if err := p.build.CheckCorners(n); err != nil {
		return err
	}
	p.face = p.face[:0]
	for range n {
		if word, err = p.word(); err != nil {
			return err
		}
		v, err := count(word)
		if err != nil {
			return err
		}
		p.face = append(p.face, v)
	}
	if err := p.build.Face(p.face); err != nil {
		return err
	}
	return p.restOfLine()
}

// word returns the next word that is not a comment.
func (p *parser) word() ([]byte, error) {
	word, err := p.in.Word(true)
	if err == io.EOF {
		return nil, fmt.Errorf("%w: it ends before its last face", ErrSyntax)
	}
	return word, err
}

// restOfLine skips the rest of the line.
func (p *parser) restOfLine() error {
	if err := p.in.SkipLine(); err != nil && err != io.EOF {
		return err
	}
	return nil
}

func count(word []byte) (int64, error) {
	n, err := strconv.ParseInt(string(word), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: %.40q where a count or an index should be", ErrSyntax, word)
	}
	return n, nil
}
