package sequence

import (
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// Gates encodes triangles and quads by how each joins the faces before it. A token gives the
// face across the oldest open edge, the gate, and which of its corners are new. The
// coordinates z, x, y of the new corners follow:
//
//	skip                          nothing: the gate is on the boundary
//	triangle  new, next, last     its third corner is new, or a neighbour on the rim
//	quad      six kinds           each of its two corners likewise
//	seed      triangle, quad      no gate is open: all corners are new
//	end                           no gate is open, and no face is left
//
// A gate is a→b, in the winding of the face across. Next is the end of the newest open edge
// from b, last the start of the newest one to a. A corner that neither reaches is written
// again as coordinates, so any mesh can be encoded, even non-manifold or with inconsistent
// winding. Ids are coordinates, then skip = Levels, end = Levels+1, then kinds. The coding is
// ours; the traversal follows Edgebreaker (Rossignac, 1999).
type Gates struct{ Options }

// Kinds of a face, as ids after the end token.
const (
	seedTriangle = iota
	seedQuad
	triangleNew
	triangleNext
	triangleLast
	quadNew      // c and d are new
	quadNext     // c is next
	quadLast     // d is last
	quadBoth     // c is next, d is last
	quadNextNext // c is next, d is next from there
	quadLastLast // d is last, c is last from there
	numKinds
)

// Name returns [NameGates].
func (Gates) Name() string { return NameGates }

// VocabSize returns the number of tokens: Levels + 13.
func (c Gates) VocabSize() int { return c.levels() + 2 + numKinds }

// Encode returns the faces of m in gate order.
func (c Gates) Encode(m *mesh.Mesh) ([]int32, Report, error) {
	q, report, err := Quantize(m, c.Options)
	if err != nil {
		return nil, report, err
	}
	w := newGateWriter(q, c.Options)
	for f := range q.Faces {
		if w.written[f] {
			continue
		}
		w.seed(int32(f))
		for g, ok := w.gate(); ok; g, ok = w.gate() {
			w.across(g)
		}
	}
	w.tokens = append(w.tokens, c.EOS())
	report.Tokens = len(w.tokens)
	return w.tokens, report, nil
}

func (c Gates) Reader() Reader {
	return &gateReader{options: c.Options, gateState: newGateState()}
}

// gate is a directed edge in the winding of the face across.
type gate struct{ a, b uint64 }

// gateState is the state shared by writer and reader: the rim of the faces so far.
// Vertices are cell keys.
type gateState struct {
	have  map[gate]bool       // edges of faces
	open  map[gate]bool       // edges with one face
	queue []gate              // oldest first; some are closed
	from  map[uint64][]uint64 // ends of open edges that start here, newest last
	to    map[uint64][]uint64 // starts of open edges that end here
}

func newGateState() gateState {
	return gateState{
		have: make(map[gate]bool), open: make(map[gate]bool),
		from: make(map[uint64][]uint64), to: make(map[uint64][]uint64),
	}
}

// gate returns the oldest open gate.
func (s *gateState) gate() (gate, bool) {
	for len(s.queue) > 0 && !s.open[s.queue[0]] {
		s.queue = s.queue[1:]
	}
	if len(s.queue) == 0 {
		return gate{}, false
	}
	return s.queue[0], true
}

// join adds a face to the rim.
func (s *gateState) join(corners []uint64) {
	for k, v := range corners {
		g := gate{v, corners[(k+1)%len(corners)]}
		s.have[g] = true
		s.shut(g)
	}
	for k, v := range corners {
		g := gate{corners[(k+1)%len(corners)], v}
		if !s.have[g] && !s.open[g] {
			s.open[g] = true
			s.queue = append(s.queue, g)
			s.from[g.a] = append(s.from[g.a], g.b)
			s.to[g.b] = append(s.to[g.b], g.a)
		}
	}
}

// shut closes g if it is open.
func (s *gateState) shut(g gate) {
	if !s.open[g] {
		return
	}
	delete(s.open, g)
	remove(s.from, g.a, g.b)
	remove(s.to, g.b, g.a)
}

func remove(lists map[uint64][]uint64, at, v uint64) {
	list := lists[at]
	i := slices.Index(list, v)
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(lists, at)
		return
	}
	lists[at] = list
}

// newest returns the last element of list that is not one of but.
func newest(list []uint64, but ...uint64) (uint64, bool) {
	for _, v := range slices.Backward(list) {
		if !slices.Contains(but, v) {
			return v, true
		}
	}
	return 0, false
}

// corners returns the corners of a face of a kind across g, with unset[k] for those
// to be written. It returns false if the rim lacks a corner of the kind.
func (s *gateState) corners(g gate, kind int) (corners []uint64, unset []int, ok bool) {
	next := func(but ...uint64) (uint64, bool) { return newest(s.from[but[len(but)-1]], but...) }
	last := func(but ...uint64) (uint64, bool) { return newest(s.to[but[len(but)-1]], but...) }
	corners, ok = []uint64{g.a, g.b, 0, 0}, true
	c, d := &corners[2], &corners[3]
	switch kind {
	case triangleNew:
		return corners[:3], []int{2}, true
	case triangleNext:
		*c, ok = next(g.a, g.b)
		return corners[:3], nil, ok
	case triangleLast:
		*c, ok = last(g.b, g.a)
		return corners[:3], nil, ok
	case quadNew:
		return corners, []int{2, 3}, true
	case quadNext:
		*c, ok = next(g.a, g.b)
		return corners, []int{3}, ok
	case quadLast:
		*d, ok = last(g.b, g.a)
		return corners, []int{2}, ok
	case quadBoth:
		var also bool
		*c, ok = next(g.a, g.b)
		*d, also = last(g.b, g.a)
		return corners, nil, ok && also && *c != *d
	case quadNextNext:
		if *c, ok = next(g.a, g.b); ok {
			*d, ok = next(g.a, g.b, *c)
		}
	case quadLastLast:
		if *d, ok = last(g.b, g.a); ok {
			*c, ok = last(g.b, g.a, *d)
		}
	default:
		ok = false
	}
	return corners, nil, ok
}

// gateWriter writes the faces of a mesh.
type gateWriter struct {
	gateState
	options Options
	faces   [][]uint64
	of      map[gate][]int32 // faces with an edge
	written []bool
	tokens  []int32
}

func newGateWriter(q *Quantized, o Options) *gateWriter {
	w := &gateWriter{gateState: newGateState(), options: o, of: make(map[gate][]int32), written: make([]bool, len(q.Faces))}
	for f := range q.Faces {
		var keys []uint64
		for _, v := range q.Faces[f].Corners() {
			keys = append(keys, q.Vertices[v].key())
		}
		w.faces = append(w.faces, keys)
		for k, v := range keys {
			g := gate{v, keys[(k+1)%len(keys)]}
			w.of[g] = append(w.of[g], int32(f))
		}
	}
	return w
}

// seed writes a face where no gate is open.
func (w *gateWriter) seed(f int32) {
	corners := w.faces[f]
	w.kind(seedTriangle + len(corners) - 3)
	for _, v := range corners {
		w.vertex(v)
	}
	w.written[f] = true
	w.join(corners)
}

// across writes the face across g, or skip.
func (w *gateWriter) across(g gate) {
	for _, f := range w.of[g] {
		if w.written[f] {
			continue
		}
		w.face(g, w.faces[f])
		w.written[f] = true
		return
	}
	w.tokens = append(w.tokens, w.options.Pad())
	w.shut(g)
}

// face writes a face across g as the kind with fewest coordinates.
func (w *gateWriter) face(g gate, face []uint64) {
	first := slices.Index(face, g.a)
	want := slices.Concat(face[first:], face[:first])
	best, write := -1, []int(nil)
	for kind := triangleNew; kind < numKinds; kind++ {
		got, unset, ok := w.corners(g, kind)
		if !ok || len(got) != len(want) {
			continue
		}
		for _, k := range unset {
			got[k] = want[k]
		}
		if slices.Equal(got, want) && (best < 0 || len(unset) < len(write)) {
			best, write = kind, unset
		}
	}
	w.kind(best)
	for _, k := range write {
		w.vertex(want[k])
	}
	w.join(want)
}

func (w *gateWriter) kind(k int) { w.tokens = append(w.tokens, w.options.EOS()+1+int32(k)) }

func (w *gateWriter) vertex(key uint64) {
	c := cellOf(key)
	w.tokens = append(w.tokens, c[2], c[0], c[1])
}

type gateReader struct {
	gateState
	faceList
	options Options
	at      gate     // of the current face, unless seeded
	seeded  bool     // the face has no gate
	face    []uint64 // current; nil between faces
	unset   []int    // corners still to be read
	vertex  []int32  // coordinates of the first of them
	partial int      // tokens of the face
}

func (r *gateReader) May(t int32) bool {
	if len(r.unset) > 0 {
		return t >= 0 && t < r.options.Pad()
	}
	g, open := r.gate()
	if t == r.options.EOS() || !open {
		return !open && (t == r.options.EOS() || t == r.options.EOS()+1+seedTriangle || t == r.options.EOS()+1+seedQuad)
	}
	if t == r.options.Pad() {
		return true
	}
	_, _, ok := r.corners(g, int(t)-int(r.options.EOS())-1)
	return ok
}

func (r *gateReader) Take(t int32) {
	switch {
	case !r.May(t) || t == r.options.EOS():
		return
	case len(r.unset) > 0:
		r.coordinate(t)
		return
	}
	g, open := r.gate()
	if t == r.options.Pad() {
		r.shut(g)
		return
	}
	r.at, r.seeded, r.partial = g, !open, 1
	switch kind := int(t) - int(r.options.EOS()) - 1; kind {
	case seedTriangle:
		r.face, r.unset = make([]uint64, 3), []int{0, 1, 2}
	case seedQuad:
		r.face, r.unset = make([]uint64, 4), []int{0, 1, 2, 3}
	default:
		r.face, r.unset, _ = r.corners(g, kind)
	}
	r.finish()
}

// coordinate reads one coordinate, and finishes the face after the last.
func (r *gateReader) coordinate(t int32) {
	r.partial++
	if r.vertex = append(r.vertex, t); len(r.vertex) < 3 {
		return
	}
	r.face[r.unset[0]] = Cell{r.vertex[1], r.vertex[2], r.vertex[0]}.key()
	r.unset, r.vertex = r.unset[1:], r.vertex[:0]
	r.finish()
}

// finish joins a complete face. A face with a repeated vertex closes its gate.
func (r *gateReader) finish() {
	if len(r.unset) > 0 {
		return
	}
	before := len(r.begins)
	r.add(r.face...)
	if len(r.begins) > before {
		r.join(r.face)
	} else if !r.seeded {
		r.shut(r.at)
	}
}

func (r *gateReader) Quantized() (*Quantized, DecodeReport) {
	q, report := r.quantized(r.options.levels())
	if len(r.unset) > 0 {
		report.PartialTokens = r.partial
	}
	return q, report
}
