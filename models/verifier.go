package models

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/system"
)

// Search makes several candidates of a request and returns the best by a verifier. With
// Every it is beam search: every so many steps the Keep best candidates are copied over
// the others.
type Search struct {
	Candidates int
	Verifier   string // see [Verifiers]
	Keep       int    // candidates that a comparison keeps; 0 means 1
	Every      int    // sampling steps between comparisons; 0: only finished candidates are compared
}

// Verifier scores samples. It has no parameters and sees only what was generated, and the
// source of the request.
type Verifier struct {
	Name  string
	Kinds []string // of media that it scores, such as [system.Image]
	// Unfinished lists the kinds whose unfinished samples it scores too, for beam search.
	Unfinished []string
	// FromSource says that it compares with the request's source, which must be a mesh.
	FromSource bool

	// score is larger for better samples. NaN stands for one that cannot be scored.
	score func(source, made system.Media) float64
}

// Verifiers lists the verifiers.
func Verifiers() []Verifier {
	return []Verifier{
		{Name: "closed", Kinds: []string{system.Shape, system.Quads}, Unfinished: []string{system.Quads}, score: closed},
		{Name: "near", Kinds: []string{system.Shape, system.Quads}, Unfinished: []string{system.Quads}, FromSource: true, score: near},
		{Name: "sharp", Kinds: []string{system.Image, system.Video}, score: sharp},
	}
}

// Check returns an error wrapping system.ErrRequest if the search does not fit a kind of
// media.
func (s *Search) Check(kind string) error {
	if s == nil {
		return nil
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("models.Search: %w: %s", system.ErrRequest, fmt.Sprintf(format, args...))
	}
	v, ok := s.verifier(kind)
	switch {
	case s.Candidates < 1 || s.Keep < 0 || s.Every < 0:
		return bad("%d candidates, %d kept every %d steps", s.Candidates, s.Keep, s.Every)
	case !ok && len(VerifierNames(kind)) == 0:
		return bad("verifier %q: no verifier scores %s", s.Verifier, kind)
	case !ok:
		return bad("verifier %q: %s takes one of %s", s.Verifier, kind, strings.Join(VerifierNames(kind), ", "))
	case s.Keep > s.Candidates:
		return bad("keep %d of %d candidates", s.Keep, s.Candidates)
	case s.Every == 0 && s.Keep > 0:
		return bad("keep %d is for candidates that are compared every some steps", s.Keep)
	case s.Every > 0 && !slices.Contains(v.Unfinished, kind):
		return bad("verifier %q scores only finished samples of %s", s.Verifier, kind)
	}
	return nil
}

// verifier returns the verifier of a search for a kind of media.
func (s *Search) verifier(kind string) (Verifier, bool) {
	all := Verifiers()
	i := slices.IndexFunc(all, func(v Verifier) bool { return v.Name == s.Verifier && slices.Contains(v.Kinds, kind) })
	if i < 0 {
		return Verifier{}, false
	}
	return all[i], true
}

// VerifierNames lists the verifiers of a kind of media.
func VerifierNames(kind string) (names []string) {
	for _, v := range Verifiers() {
		if slices.Contains(v.Kinds, kind) {
			names = append(names, v.Name)
		}
	}
	return names
}

// search returns the engine's search for a request; nil if it asks for none.
func (m *Model) search(r *Request, b *system.Beginning) (*engine.Search, error) {
	if r.Search == nil {
		return nil, nil
	}
	if err := r.Search.Check(m.kind); err != nil {
		return nil, err
	}
	v, _ := r.Search.verifier(m.kind)
	if v.FromSource && r.Source.Mesh == nil {
		return nil, fmt.Errorf("models.Generate: %w: verifier %q compares with an input mesh, and the request has none", system.ErrRequest, v.Name)
	}
	out := &engine.Search{Width: r.Search.Candidates, Keep: max(r.Search.Keep, 1), Every: r.Search.Every}
	if out.Every == 0 {
		out.Every = math.MaxInt
	}
	out.Score = func(tokens []uint32) float64 {
		made, _, _, err := b.Finish(tokens)
		if err != nil {
			return math.NaN()
		}
		return v.score(r.Source, made)
	}
	return out, nil
}

// closed is the share of a mesh's edges that lie in exactly two faces.
func closed(_, made system.Media) float64 {
	r, err := mesh.Measure(made.Mesh)
	if err != nil {
		return math.NaN()
	}
	return 1 - float64(r.BoundaryEdges+r.NonManifoldEdges)/float64(r.Edges)
}

// near is the negative Chamfer distance to the source, as a share of its longest side.
func near(source, made system.Media) float64 {
	r, err := compare.Surfaces(made.Mesh, source.Mesh, compare.Options{Samples: 2000, Vertices: 1, Seed: 1})
	if err != nil {
		return math.NaN()
	}
	return -r.ChamferL1
}

// sharp is the mean squared Laplacian of the luma over all inner pixels. A blurred picture
// has a low one.
//
// Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a
// comparative study", 2000, takes the variance of the Laplacian.
func sharp(_, made system.Media) float64 {
	frames, h, w, pixels := 1, 0, 0, []uint8(nil)
	if p := made.Picture; p != nil {
		h, w, pixels = p.H, p.W, p.Pix
	} else {
		frames, h, w, pixels = made.Clip.T, made.Clip.H, made.Clip.W, made.Clip.Pix
	}
	luma := func(i int) float64 { // BT.601
		return 0.299*float64(pixels[3*i]) + 0.587*float64(pixels[3*i+1]) + 0.114*float64(pixels[3*i+2])
	}
	sum, n := 0.0, 0
	for t := range frames {
		for y := 1; y < h-1; y++ {
			for x := 1; x < w-1; x++ {
				i := (t*h+y)*w + x
				l := luma(i-1) + luma(i+1) + luma(i-w) + luma(i+w) - 4*luma(i)
				sum, n = sum+l*l, n+1
			}
		}
	}
	return sum / float64(n)
}
