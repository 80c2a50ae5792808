package sequence

import (
	"fmt"

	"github.com/morton-gen/morton/mesh"
)

// Coding turns meshes into tokens and back. Its methods are safe for concurrent
// use.
type Coding interface {
	// Name returns the name that [Open] takes.
	Name() string
	// VocabSize returns the number of different tokens, including the end token.
	VocabSize() int
	// EOS returns the end token.
	EOS() int32
	// Encode returns the tokens of m, which lies in [-1, 1]³, and the end token.
	// Its errors are those of [Quantize].
	Encode(m *mesh.Mesh) ([]int32, Report, error)
	// Reader returns a reader at the start of a sequence. The options must be
	// valid.
	Reader() Reader
}

// Reader reads a sequence token by token. Memory is proportional to the tokens
// read.
type Reader interface {
	// May reports whether the grammar allows t next. It checks the layout only:
	// a duplicate face is allowed.
	May(t int32) bool
	// Take reads t. It recovers from a token that is not allowed.
	Take(t int32)
	// Quantized returns the mesh read so far, in canonical order, and what was
	// dropped. The mesh may have no face.
	Quantized() (*Quantized, DecodeReport)
}

// Names of the codings: [Quads], [BPT], [DeepMesh], [Adjacency], [Gates].
const (
	NameQuads     = "quads"
	NameBPT       = "bpt"
	NameDeepMesh  = "deepmesh"
	NameAdjacency = "adjacency"
	NameGates     = "gates"
)

// Names lists the codings that [Open] knows.
func Names() []string {
	return []string{NameQuads, NameBPT, NameDeepMesh, NameAdjacency, NameGates}
}

// Open returns the coding of a name; "" is [Quads], of 12 tokens a face. The error
// wraps [ErrOptions] if the name is unknown or the coding does not support these
// levels.
func Open(name string, o Options) (Coding, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("sequence.Open: %w", err)
	}
	switch name {
	case "", NameQuads:
		return Quads{o}, nil
	case NameBPT:
		return open(BPT{Options: o}, o, 16, 1024)
	case NameDeepMesh:
		return open(DeepMesh{Options: o}, o, 128, 1<<14)
	case NameAdjacency:
		return Adjacency{o}, nil
	case NameGates:
		return Gates{o}, nil
	}
	return nil, fmt.Errorf("sequence.Open: %w: coding %q, known are %v", ErrOptions, name, Names())
}

// open returns c if its levels are a multiple of step and not above most.
func open(c Coding, o Options, step, most int) (Coding, error) {
	if o.levels()%step != 0 || o.levels() > most {
		return nil, fmt.Errorf("sequence.Open: %w: %s with %d levels, want a multiple of %d to %d", ErrOptions, c.Name(), o.levels(), step, most)
	}
	return c, nil
}

// Read returns the mesh that tokens encode. Unless tolerant, it returns an error
// wrapping [ErrToken] at the first token the grammar forbids. It returns
// [mesh.ErrEmpty] if no face is left.
func Read(c Coding, tokens []int32, tolerant bool) (*Quantized, DecodeReport, error) {
	r := c.Reader()
	bad, ended, trailing := 0, false, 0
	for at, t := range tokens {
		if !r.May(t) {
			if !tolerant {
				return nil, DecodeReport{}, fmt.Errorf("sequence.Read: %w: %d, at %d", ErrToken, t, at)
			}
			bad++
		}
		if t == c.EOS() {
			ended, trailing = true, len(tokens)-at-1
			break
		}
		r.Take(t)
	}
	q, report := r.Quantized()
	report.BadFaces += bad
	report.Ended, report.TrailingTokens = ended, trailing
	if !tolerant && (!ended || trailing > 0) {
		return nil, report, fmt.Errorf("sequence.Read: %w: ended %t, %d behind the end", ErrToken, ended, trailing)
	}
	if len(q.Faces) == 0 {
		return nil, report, fmt.Errorf("sequence.Read: %w: in %d tokens", mesh.ErrEmpty, len(tokens))
	}
	return q, report, nil
}

// faceList collects the faces of a sequence by cell keys.
type faceList struct {
	keys   []uint64
	begins []int
	report DecodeReport
}

// add appends a face, or counts one with a repeated vertex.
func (l *faceList) add(keys ...uint64) {
	for i, k := range keys {
		for _, other := range keys[:i] {
			if k == other {
				l.report.DegenerateFaces++
				return
			}
		}
	}
	l.begins = append(l.begins, len(l.keys))
	l.keys = append(l.keys, keys...)
}

// quantized returns the faces in canonical order.
func (l *faceList) quantized(levels int) (*Quantized, DecodeReport) {
	sorted, rank := ranks(l.keys)
	faces := make([]Face, len(l.begins))
	for f, start := range l.begins {
		end := len(l.keys)
		if f+1 < len(l.begins) {
			end = l.begins[f+1]
		}
		var corners []int32
		for _, key := range l.keys[start:end] {
			corners = append(corners, rank(key))
		}
		faces[f] = newFace(corners)
	}
	q, duplicates := assemble(levels, sorted, faces)
	report := l.report
	report.DuplicateFaces += duplicates
	var left Report
	left.count(q)
	report.Faces, report.Triangles, report.Quads = left.Faces, left.Triangles, left.Quads
	return q, report
}
