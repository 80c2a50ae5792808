package sequence

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// DecodeReport describes a decoded sequence. All counts but the first three are
// 0 after a strict decode.
type DecodeReport struct {
	Faces     int  `json:"faces"` // kept
	Triangles int  `json:"triangles"`
	Quads     int  `json:"quads"`
	Ended     bool `json:"ended"` // the end token was read

	BadFaces        int `json:"bad_faces"`        // dropped: a token out of place
	DegenerateFaces int `json:"degenerate_faces"` // dropped: a repeated vertex
	DuplicateFaces  int `json:"duplicate_faces"`  // dropped
	OutOfOrder      int `json:"out_of_order"`     // kept, but not in canonical order
	PartialTokens   int `json:"partial_tokens"`   // dropped: an incomplete last face
	TrailingTokens  int `json:"trailing_tokens"`  // dropped: after the end token
}

// Decode returns the mesh that a face sequence encodes, with vertices at cell
// centres, in canonical order: see [DecodeQuantized].
func Decode(tokens []int32, o Options) (*mesh.Mesh, DecodeReport, error) {
	q, report, err := DecodeQuantized(tokens, o)
	if err != nil {
		return nil, report, err
	}
	return q.Mesh(), report, nil
}

// DecodeQuantized reads a face sequence.
//
// By default it accepts exactly what [Encode] writes, so that encoding the result
// gives the same tokens. With o.Tolerant it reads 12 tokens at a time up to the
// end token or the end of the input. It drops invalid faces, puts the rest in
// canonical order and counts both.
//
// It returns an error wrapping [ErrOptions], [mesh.ErrEmpty] if no face is left,
// or, unless tolerant, [ErrToken] with the position of the first wrong token.
// Memory is proportional to the number of tokens.
func DecodeQuantized(tokens []int32, o Options) (*Quantized, DecodeReport, error) {
	if err := o.Validate(); err != nil {
		return nil, DecodeReport{}, fmt.Errorf("sequence.Decode: %w", err)
	}
	d := decoder{options: o}
	if err := d.readFaces(tokens); err != nil && !o.Tolerant {
		return nil, d.report, fmt.Errorf("sequence.Decode: %w", err)
	}
	if len(d.starts) == 0 {
		return nil, d.report, fmt.Errorf("sequence.Decode: %w: in %d tokens", mesh.ErrEmpty, len(tokens))
	}
	sorted, rank := ranks(d.keys)
	faces, err := d.order(rank)
	if err != nil && !o.Tolerant {
		return nil, d.report, fmt.Errorf("sequence.Decode: %w", err)
	}
	q, duplicates := assemble(o.levels(), sorted, faces)
	d.report.DuplicateFaces = duplicates
	var left Report
	left.count(q)
	d.report.Faces, d.report.Triangles, d.report.Quads = left.Faces, left.Triangles, left.Quads
	return q, d.report, nil
}

// decoder collects the faces of a sequence.
type decoder struct {
	options Options
	report  DecodeReport
	keys    []uint64 // vertices of all kept faces, one after the other
	starts  []int    // [f] offset into keys
	at      []int    // [f] position of the face in the tokens
}

// readFaces collects faces and returns the first error.
func (d *decoder) readFaces(tokens []int32) (first error) {
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	for at := 0; at < len(tokens); at += FaceTokens {
		rest := tokens[at:]
		if end := slices.Index(rest[:min(FaceTokens, len(rest))], d.options.EOS()); end >= 0 {
			d.report.Ended = true
			d.report.PartialTokens, d.report.TrailingTokens = end, len(rest)-end-1
			if end > 0 {
				note(fmt.Errorf("%w: the end inside a face, at %d", ErrToken, at+end))
			} else if len(rest) > 1 {
				note(fmt.Errorf("%w: %d after the end, at %d", ErrToken, len(rest)-1, at+1))
			}
			return first
		}
		if len(rest) < FaceTokens {
			d.report.PartialTokens = len(rest)
			break
		}
		note(d.readFace(rest[:FaceTokens], at))
	}
	note(fmt.Errorf("%w: no end, at %d", ErrToken, len(tokens)))
	return first
}

// readFace appends one face, or counts why it is invalid.
func (d *decoder) readFace(tokens []int32, at int) error {
	pad := d.options.Pad()
	skip := 0
	if tokens[0] == pad {
		for skip = 1; skip < 3; skip++ {
			if tokens[skip] != pad {
				d.report.BadFaces++
				return fmt.Errorf("%w: %d, want the pad, at %d", ErrToken, tokens[skip], at+skip)
			}
		}
	}
	for i := skip; i < FaceTokens; i++ {
		if tokens[i] < 0 || tokens[i] >= pad {
			d.report.BadFaces++
			return fmt.Errorf("%w: %d, want a coordinate below %d, at %d", ErrToken, tokens[i], pad, at+i)
		}
	}
	start := len(d.keys)
	for i := skip; i < FaceTokens; i += 3 {
		key := Cell{tokens[i+1], tokens[i+2], tokens[i]}.key()
		if slices.Contains(d.keys[start:], key) {
			d.keys = d.keys[:start]
			d.report.DegenerateFaces++
			return fmt.Errorf("%w: a vertex for the second time in a face, at %d", ErrToken, at+i)
		}
		d.keys = append(d.keys, key)
	}
	d.starts, d.at = append(d.starts, start), append(d.at, at)
	return nil
}

// order returns the faces by vertex rank, each rotated, and the index of the
// first that was not in canonical order.
func (d *decoder) order(rank func(uint64) int32) (faces []Face, first error) {
	faces = make([]Face, len(d.starts))
	corners := make([]int32, 0, 4)
	for f, start := range d.starts {
		end := len(d.keys)
		if f+1 < len(d.starts) {
			end = d.starts[f+1]
		}
		corners = corners[:0]
		for _, key := range d.keys[start:end] {
			corners = append(corners, rank(key))
		}
		faces[f] = newFace(corners)
		if faces[f][0] == corners[0] && (f == 0 || compareFaces(faces[f-1], faces[f]) < 0) {
			continue
		}
		d.report.OutOfOrder++
		if first == nil {
			first = fmt.Errorf("%w: a face out of order, at %d", ErrToken, d.at[f])
		}
	}
	return faces, first
}
