package gallery

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Errors a caller can branch on.
var (
	// ErrItem reports an invalid item: without an ID, with a duplicate one, of
	// an unknown family, or with more prefix than frames.
	ErrItem = errors.New("bad item")
	// ErrGeometry reports a [Mesh] with inconsistent lists.
	ErrGeometry = errors.New("bad geometry")
)

// KV is one labelled value of a card. The caller formats the value.
type KV struct{ Key, Value string }

// Page is the content of index.html.
type Page struct {
	Title    string
	Command  string // the command line
	Items    []Item
	Failures []Failure
	Elapsed  time.Duration // of the whole run; zero leaves it out
}

// Item is one result. Paths are relative to the page's folder, or absolute.
type Item struct {
	ID     string // unique on the page
	Family Family

	Source string // the input file; empty without one
	Result string // an MP4, a PNG, or a GLB
	OBJ    string // the same mesh as OBJ; may be empty
	Poster string // a PNG: of a clip its frames, else shown until the result is drawn; may be empty

	SourceMesh *Mesh // what to draw for Source
	ResultMesh *Mesh // what to draw for Result

	PrefixFrames int // frames of the result that are from the input
	Frames       int // frames of the result

	Marks []string // words for defects of the input; the page counts them
	Notes []string // sentences for users

	Counts   []KV
	Measures []KV
	Details  []KV // shown on request
	Seed     uint64
	Model    string
	Seconds  float64
	Error    string // why the result is missing or incomplete; may be empty
}

// Failure is one input without a result.
type Failure struct{ Input, Stage, Kind, Message string }

// Mesh is what the viewer draws: a mesh's vertices and polygons, laid out as in
// package mesh. The corners of face f are Corners[Starts[f]:Starts[f+1]].
type Mesh struct {
	Positions []float32 // [3v] x, y, z of each vertex; Y is up
	Corners   []int32   // vertex of each corner
	Starts    []int32   // [f+1]
}

// MaxFaces is the size of the largest mesh drawn on a page. A larger one is
// only linked: its script would exceed 10 MB.
const MaxFaces = 250_000

// NumFaces returns the number of faces.
func (m *Mesh) NumFaces() int { return max(len(m.Starts)-1, 0) }

// validate returns the first inconsistency of m.
func (m *Mesh) validate() error {
	if len(m.Positions)%3 != 0 {
		return fmt.Errorf("%w: %d coordinates, not three a vertex", ErrGeometry, len(m.Positions))
	}
	if len(m.Starts) > 0 && (m.Starts[0] != 0 || int(m.Starts[len(m.Starts)-1]) != len(m.Corners)) {
		return fmt.Errorf("%w: starts do not span %d corners", ErrGeometry, len(m.Corners))
	}
	for f := range m.NumFaces() {
		if k := m.Starts[f+1] - m.Starts[f]; k < 3 {
			return fmt.Errorf("%w: face %d has %d corners", ErrGeometry, f, k)
		}
	}
	for _, c := range m.Corners {
		if c < 0 || int(c) >= len(m.Positions)/3 {
			return fmt.Errorf("%w: vertex %d of %d", ErrGeometry, c, len(m.Positions)/3)
		}
	}
	return nil
}

func (p *Page) validate() error {
	seen := make(map[string]bool, len(p.Items))
	for i := range p.Items {
		it := &p.Items[i]
		switch {
		case it.ID == "" || seen[it.ID]:
			return fmt.Errorf("%w: item %d has ID %q, empty or taken", ErrItem, i, it.ID)
		case kindOf(it.Family) == nil:
			return fmt.Errorf("%w: %s is of family %q", ErrItem, it.ID, it.Family)
		case it.PrefixFrames < 0 || it.PrefixFrames > it.Frames:
			return fmt.Errorf("%w: %s has %d prefix frames of %d", ErrItem, it.ID, it.PrefixFrames, it.Frames)
		}
		seen[it.ID] = true
		for _, m := range []*Mesh{it.SourceMesh, it.ResultMesh} {
			if m == nil {
				continue
			}
			if err := m.validate(); err != nil {
				return fmt.Errorf("%s: %w", it.ID, err)
			}
		}
	}
	return nil
}

// ordered returns the items by family, then by ID with numbers compared as numbers.
// So a page does not depend on which request finished first.
func (p *Page) ordered() []Item {
	items := slices.Clone(p.Items)
	slices.SortStableFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(order(a.Family), order(b.Family)), natural(a.ID, b.ID), cmp.Compare(a.ID, b.ID))
	})
	return items
}

// natural compares two words with runs of digits as numbers: image-2 is before image-10.
func natural(a, b string) int {
	for a != "" && b != "" {
		m, n := digits(a), digits(b)
		if m == 0 || n == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		x, y := strings.TrimLeft(a[:m], "0"), strings.TrimLeft(b[:n], "0")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
			return c
		}
		a, b = a[m:], b[n:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits returns the number of leading digits.
func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }
