package sequence

import "github.com/morton-gen/morton/mesh"

// fanCode encodes fans with multi-level positions. Coarse ids are omitted where
// they repeat. The coarsest level has a second range of ids, which starts a fan.
type fanCode struct {
	options Options
	sides   []int32 // [level] cells an axis, coarse to fine
	starts  []int32 // [level] the first id, then where the ids of centres begin
	eos     int32
}

// newFanCode assigns token ids: those of each level, those of centres, spare ids,
// then the end.
func newFanCode(o Options, spare int32, sides ...int32) *fanCode {
	c := &fanCode{options: o, sides: sides}
	next := int32(0)
	for _, s := range sides {
		c.starts = append(c.starts, next)
		next += s * s * s
	}
	c.starts = append(c.starts, next)
	c.eos = next + sides[0]*sides[0]*sides[0] + spare
	return c
}

// split returns the ids of a cell, coarse to fine, x most significant.
func (c *fanCode) split(cell Cell) []int32 {
	ids := make([]int32, len(c.sides))
	for i := len(c.sides) - 1; i >= 0; i-- {
		s := c.sides[i]
		ids[i] = c.starts[i] + (cell[0]%s*s+cell[1]%s)*s + cell[2]%s
		cell = Cell{cell[0] / s, cell[1] / s, cell[2] / s}
	}
	return ids
}

// encode writes fans. The first centre is an ordinary vertex. After a later one all
// ids are written again.
func (c *fanCode) encode(m *mesh.Mesh, order VertexOrder) ([]int32, Report, error) {
	t, report, err := newTriangles(m, c.options, order.compare)
	if err != nil {
		return nil, report, err
	}
	var tokens []int32
	last := make([]int32, len(c.sides))
	for i := range last {
		last[i] = -1
	}
	for f, fan := range t.fans() {
		for k, v := range fan {
			ids := c.split(t.vertices[v])
			if f > 0 && k == 0 {
				ids[0] += c.starts[len(c.sides)]
			}
			from := 0
			for from < len(ids)-1 && ids[from] == last[from] && (f == 0 || k > 0) {
				from++
			}
			tokens = append(tokens, ids[from:]...)
			last = ids
		}
	}
	tokens = append(tokens, c.eos)
	report.Tokens = len(tokens)
	return tokens, report, nil
}

func (c *fanCode) reader() Reader {
	return &fanReader{fanCode: c, cell: make([]int32, len(c.sides)), all: true}
}

type fanReader struct {
	*fanCode
	faceList
	cell   []int32  // [level] the latest id, from 0
	level  int      // the level expected next; 0 if any is allowed
	all    bool     // the coarsest id is required: at the first vertex and after a centre
	ring   []uint64 // centre and last vertex of the fan
	length int      // vertices of the fan
	later  bool     // not the first fan
}

// class returns the level of t and its id from 0. Centres are the level after the
// finest.
func (r *fanReader) class(t int32) (level int, id int32, ok bool) {
	n := len(r.sides)
	if s := r.sides[0]; t < 0 || t >= r.starts[n]+s*s*s {
		return 0, 0, false
	}
	level = n
	for t < r.starts[level] {
		level--
	}
	return level, t - r.starts[level], true
}

func (r *fanReader) May(t int32) bool {
	level, _, ok := r.class(t)
	switch {
	case t == r.eos || ok && level == len(r.sides):
		return r.level == 0 && r.length >= 3
	case r.level > 0 || r.all:
		return ok && level == r.level
	}
	return ok
}

func (r *fanReader) Take(t int32) {
	level, id, ok := r.class(t)
	switch {
	case !ok:
		return
	case level == len(r.sides):
		r.begin(id)
		return
	}
	r.cell[level], r.all = id, false
	r.level = level + 1
	if r.level == len(r.sides) {
		r.level = 0
		r.vertex()
	}
}

// begin starts a fan with the coarse id of its centre.
func (r *fanReader) begin(id int32) {
	r.closeFan()
	clear(r.cell)
	r.cell[0], r.level = id, 1
	r.ring, r.length, r.all, r.later = r.ring[:0], 0, false, true
}

// closeFan counts vertices without a face.
func (r *fanReader) closeFan() {
	if r.length > 0 && r.length < 3 {
		r.report.PartialTokens += r.length
	}
}

// vertex adds the cell to the fan.
func (r *fanReader) vertex() {
	var cell Cell
	for i, s := range r.sides {
		id := r.cell[i]
		cell = Cell{cell[0]*s + id/(s*s), cell[1]*s + id/s%s, cell[2]*s + id%s}
	}
	key := cell.key()
	if r.length++; r.length > 2 {
		r.add(r.ring[0], r.ring[1], key)
		r.ring = r.ring[:1]
	}
	r.all = r.length == 1 && r.later
	r.ring = append(r.ring, key)
}

func (r *fanReader) Quantized() (*Quantized, DecodeReport) {
	r.closeFan()
	r.length = 0
	return r.quantized(r.options.levels())
}
