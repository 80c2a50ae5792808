package stl

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/build"
)

// readText reads the facets of all solids of an ASCII file:
//
//	solid NAME
//	facet normal 0 0 1
//	  outer loop
//	    vertex 0 0 0 | vertex 1 0 0 | vertex 0 1 0
//	  endloop
//	endfacet
//	endsolid NAME
//
// Words may be in upper case. A loop of more than three vertices is a polygon.
func readText(r *build.Reader, w *welder) error {
	inLoop := false
	for {
		word, err := r.Word(false)
		if err == io.EOF && !inLoop {
			return nil
		}
		if err != nil {
			return ended(err)
		}
		switch keyword := strings.ToLower(string(bytes.TrimPrefix(word, []byte("\ufeff")))); {
		case keyword == "solid", keyword == "endsolid", keyword == "color":
			if err := r.SkipLine(); err != nil && err != io.EOF { // a name may be several words
				return err
			}
		case keyword == "facet", keyword == "outer", keyword == "normal":
		case keyword == "endfacet":
		case keyword == "loop" && !inLoop:
			inLoop = true
		case keyword == "endloop" && inLoop:
			inLoop = false
			err = w.end()
		case keyword == "vertex" && inLoop:
			err = w.vertex(r)
		case !inLoop && isNumber(word): // part of a normal
		default:
			err = fmt.Errorf("%w: %.40q", ErrSyntax, word)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", r.Line(), err)
		}
	}
}

func isNumber(word []byte) bool {
	_, err := strconv.ParseFloat(string(word), 64)
	return err == nil
}

// vertex reads three numbers.
func (w *welder) vertex(r *build.Reader) error {
	var p mesh.Vec3
	for axis := range p {
		word, err := r.Word(false)
		if err != nil {
			return ended(err)
		}
		x, err := strconv.ParseFloat(string(word), 64)
		if err != nil && !math.IsInf(x, 0) { // overflow gives infinity and an error
			return fmt.Errorf("%w: %.40q where a number should be", ErrSyntax, word)
		}
		p[axis] = x
	}
	return w.corner(p)
}

// ended turns an end of file into [ErrSyntax]; other errors pass.
func ended(err error) error {
	if err == io.EOF {
		return fmt.Errorf("%w: it ends inside a facet", ErrSyntax)
	}
	return err
}
