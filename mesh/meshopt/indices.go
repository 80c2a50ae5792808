package meshopt

import "fmt"

// indices unpacks mode 2: each index is a difference from one of two earlier
// ones.
func indices(data []byte, v View, size int) ([]byte, error) {
	r, _, err := header(data, 0xd0, 1, 4)
	if err != nil {
		return nil, err
	}
	if v.Count > len(r.data) {
		return nil, fmt.Errorf("%w: %d bytes for %d indices", ErrCorrupt, len(data), v.Count)
	}
	out := make([]byte, 0, size)
	var last [2]uint32
	for range v.Count {
		x := r.varint()
		base := &last[x&1]
		*base += unzigzag(x >> 1)
		out = appendIndex(out, *base, v.Stride)
	}
	return out, r.end()
}

// end returns an error unless exactly all bytes were read.
func (r *reader) end() error {
	if err := r.check(); err != nil {
		return err
	}
	if len(r.data) > 0 {
		return fmt.Errorf("%w: %d bytes too many", ErrCorrupt, len(r.data))
	}
	return nil
}

// triangleReader is the state between triangles: recent edges and vertices that
// codes refer to.
type triangleReader struct {
	data     reader
	next     uint32 // index of the next new vertex
	last     uint32 // last explicit index
	edges    [16][2]uint32
	vertices [16]uint32
	edge     int // where the next edge is stored
	vertex   int
}

// triangles unpacks mode 1. The stream is a header byte, one code per triangle,
// extra data for some codes, and a table of 16 bytes.
func triangles(data []byte, v View, size int) ([]byte, error) {
	r, table, err := header(data, 0xe0, 1, 16)
	if err != nil {
		return nil, err
	}
	codes := r.take(v.Count / 3)
	if err := r.check(); err != nil {
		return nil, err
	}
	t := triangleReader{data: *r}
	out := make([]byte, 0, size)
	for _, code := range codes {
		for _, x := range t.triangle(code, table) {
			out = appendIndex(out, x, v.Stride)
		}
	}
	return out, t.data.end()
}

// triangle returns the corners that a code stands for. Its high half selects a
// recent edge, or is 15.
func (t *triangleReader) triangle(code byte, table []byte) [3]uint32 {
	high, low := code>>4, code&15
	switch {
	case high < 15:
		return t.onEdge(int(high), low)
	case low < 14:
		return t.free(table[low], false)
	}
	pair := t.data.byte()
	if pair == 0 {
		t.next = 0
	}
	return t.free(pair, low == 15)
}

// onEdge joins a recent edge with a vertex: the next new one, a recent one, one
// beside the last explicit index, or an explicit one.
func (t *triangleReader) onEdge(at int, how byte) [3]uint32 {
	e := t.edges[(t.edge-1-at)&15]
	a, b, c := e[0], e[1], uint32(0)
	fresh := true
	switch {
	case how == 0:
		c = t.takeNext()
	case how < 13:
		c, fresh = t.vertices[(t.vertex-1-int(how))&15], false
	case how == 13:
		t.last--
		c = t.last
	case how == 14:
		t.last++
		c = t.last
	default:
		c = t.written()
	}
	if fresh {
		t.pushVertex(c)
	}
	t.pushEdge(c, b)
	t.pushEdge(a, c)
	return [3]uint32{a, b, c}
}

// free makes a triangle without a recent edge. The halves of pair give its
// second and third corner: the next new vertex, a recent one, or an explicit
// one (15). The first corner is the next new one, or explicit if written.
func (t *triangleReader) free(pair byte, written bool) [3]uint32 {
	var a uint32
	if written {
		a = t.written()
	} else {
		a = t.takeNext()
	}
	// Recent vertices are counted from before this triangle.
	before := t.vertex
	b, newB := t.corner(pair>>4, before)
	c, newC := t.corner(pair&15, before)
	t.pushVertex(a)
	if newB {
		t.pushVertex(b)
	}
	if newC {
		t.pushVertex(c)
	}
	t.pushEdge(b, a)
	t.pushEdge(c, b)
	t.pushEdge(a, c)
	return [3]uint32{a, b, c}
}

func (t *triangleReader) corner(half byte, before int) (x uint32, fresh bool) {
	switch half {
	case 0:
		return t.takeNext(), true
	case 15:
		return t.written(), true
	}
	return t.vertices[(before-int(half))&15], false
}

func (t *triangleReader) takeNext() uint32 {
	t.next++
	return t.next - 1
}

// written reads an index as a difference from the last explicit one.
func (t *triangleReader) written() uint32 {
	t.last += unzigzag(t.data.varint())
	return t.last
}

func (t *triangleReader) pushVertex(v uint32) {
	t.vertices[t.vertex&15] = v
	t.vertex++
}

func (t *triangleReader) pushEdge(a, b uint32) {
	t.edges[t.edge&15] = [2]uint32{a, b}
	t.edge++
}
