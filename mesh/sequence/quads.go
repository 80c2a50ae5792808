package sequence

import "github.com/morton-gen/morton/mesh"

// Quads is the face sequence of [Encode] as a [Coding]: 12 tokens a face.
type Quads struct{ Options }

// Name returns [NameQuads].
func (Quads) Name() string { return NameQuads }

// Encode is [Encode].
func (c Quads) Encode(m *mesh.Mesh) ([]int32, Report, error) { return Encode(m, c.Options) }

func (c Quads) Reader() Reader { return &quadsReader{options: c.Options} }

type quadsReader struct {
	options Options
	tokens  []int32
}

func (r *quadsReader) May(t int32) bool {
	pad, slot := r.options.Pad(), len(r.tokens)%FaceTokens
	switch {
	case slot == 0:
		return t >= 0 && t <= r.options.EOS()
	case slot < 3 && r.tokens[len(r.tokens)-slot] == pad:
		return t == pad
	}
	return t >= 0 && t < pad
}

func (r *quadsReader) Take(t int32) { r.tokens = append(r.tokens, t) }

func (r *quadsReader) Quantized() (*Quantized, DecodeReport) {
	o := r.options
	o.Tolerant = true
	q, report, err := DecodeQuantized(r.tokens, o)
	if err != nil { // no face is left
		q = &Quantized{Levels: o.levels()}
	}
	report.BadFaces = 0 // Read counts forbidden tokens
	return q, report
}
