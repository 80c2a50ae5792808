package shard

import (
	"encoding/binary"
	"fmt"
)

// compact reads Thrift's compact protocol, as used by Parquet's footer and page
// headers. It allocates only what its callers keep, bounds every count by the
// remaining bytes, and stops at the first error.
type compact struct {
	b   []byte
	off int
	err error
}

// Wire types of the compact protocol. The type of a boolean field is its value.
const (
	wireStop   = 0
	wireTrue   = 1
	wireFalse  = 2
	wireI8     = 3
	wireI16    = 4
	wireI32    = 5
	wireI64    = 6
	wireDouble = 7
	wireBinary = 8
	wireList   = 9
	wireSet    = 10
	wireMap    = 11
	wireStruct = 12
	wireUUID   = 13
)

// maxNesting bounds recursion while skipping; Parquet's own structures nest
// five deep.
const maxNesting = 16

func (c *compact) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: thrift at byte %d: %s", ErrCorrupt, c.off, fmt.Sprintf(format, args...))
	}
}

func (c *compact) byte() byte {
	if c.err != nil || c.off >= len(c.b) {
		c.fail("unexpected end")
		return 0
	}
	c.off++
	return c.b[c.off-1]
}

// take returns the next n bytes as a view.
func (c *compact) take(n uint64) []byte {
	if c.err != nil || n > uint64(len(c.b)-c.off) {
		c.fail("%d bytes wanted, %d left", n, len(c.b)-c.off)
		return nil
	}
	c.off += int(n)
	return c.b[c.off-int(n) : c.off]
}

func (c *compact) uvarint() uint64 {
	if c.err != nil {
		return 0
	}
	v, n := binary.Uvarint(c.b[c.off:])
	if n <= 0 {
		c.fail("bad varint")
		return 0
	}
	c.off += n
	return v
}

func (c *compact) zigzag() int64 {
	v := c.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// int reads an integer field of the given wire type.
func (c *compact) int(wire byte) int64 {
	if wire != wireI16 && wire != wireI32 && wire != wireI64 {
		c.fail("wire type %d, want an integer", wire)
		return 0
	}
	return c.zigzag()
}

// int32 reads an integer field that must fit 32 bits.
func (c *compact) int32(wire byte) int32 {
	v := c.int(wire)
	if v != int64(int32(v)) {
		c.fail("%d does not fit 32 bits", v)
		return 0
	}
	return int32(v)
}

func (c *compact) string(wire byte) string {
	if wire != wireBinary {
		c.fail("wire type %d, want a string", wire)
		return ""
	}
	return string(c.take(c.uvarint()))
}

// list reads a list header and calls each once per element, which it must
// consume. A list has at most as many elements as bytes remain.
func (c *compact) list(wire, element byte, each func()) {
	if wire != wireList {
		c.fail("wire type %d, want a list", wire)
		return
	}
	n, elem := c.listHeader()
	if n > 0 && elem != element {
		c.fail("list of wire type %d, want %d", elem, element)
	}
	for range n {
		if c.err != nil {
			return
		}
		each()
	}
}

func (c *compact) listHeader() (n int, elem byte) {
	head := c.byte()
	size := uint64(head >> 4)
	if size == 15 {
		size = c.uvarint()
	}
	if size > uint64(len(c.b)-c.off) {
		c.fail("list of %d elements in %d bytes", size, len(c.b)-c.off)
		return 0, 0
	}
	return int(size), head & 15
}

// fields reads a struct and calls field for each field. A field for which it
// returns false is skipped.
func (c *compact) fields(field func(id int16, wire byte) bool) {
	id := int16(0)
	for c.err == nil {
		head := c.byte()
		wire := head & 15
		if wire == wireStop {
			return
		}
		if delta := int16(head >> 4); delta != 0 {
			id += delta
		} else {
			id = int16(c.zigzag())
		}
		if !field(id, wire) {
			c.skip(wire, maxNesting)
		}
	}
}

// field is the destination of a struct field: an *int32, *int64 or *string, or
// a func(wire byte) that reads it.
type field struct {
	id int16
	to any
}

// record reads the given fields of a struct and skips all others.
func (c *compact) record(fields ...field) {
	c.fields(func(id int16, wire byte) bool {
		for _, f := range fields {
			if f.id == id {
				c.store(f.to, wire)
				return true
			}
		}
		return false
	})
}

// nested is record for a struct field.
func (c *compact) nested(wire byte, fields ...field) {
	if wire != wireStruct {
		c.fail("wire type %d, want a struct", wire)
		return
	}
	c.record(fields...)
}

func (c *compact) store(to any, wire byte) {
	switch to := to.(type) {
	case *int32:
		*to = c.int32(wire)
	case *int64:
		*to = c.int(wire)
	case *string:
		*to = c.string(wire)
	case func(wire byte):
		to(wire)
	default:
		panic(fmt.Sprintf("shard: field of type %T", to)) // a bug in this package
	}
}

// skip skips the value of a field.
func (c *compact) skip(wire byte, depth int) {
	if depth == 0 {
		c.fail("nested deeper than %d", maxNesting)
	}
	if c.err != nil {
		return
	}
	switch wire {
	case wireTrue, wireFalse:
	case wireI8:
		c.take(1)
	case wireI16, wireI32, wireI64:
		c.uvarint()
	case wireDouble:
		c.take(8)
	case wireUUID:
		c.take(16)
	case wireBinary:
		c.take(c.uvarint())
	case wireList, wireSet:
		n, elem := c.listHeader()
		c.skipElements(n, depth, elem)
	case wireMap:
		c.skipMap(depth)
	case wireStruct:
		c.fields(func(_ int16, wire byte) bool { c.skip(wire, depth-1); return true })
	default:
		c.fail("wire type %d", wire)
	}
}

// skipElements skips n elements of a container with the given wire types. A
// boolean element takes a byte, unlike a boolean field.
func (c *compact) skipElements(n, depth int, wires ...byte) {
	for range n {
		for _, wire := range wires {
			if wire == wireTrue || wire == wireFalse {
				wire = wireI8
			}
			c.skip(wire, depth-1)
		}
		if c.err != nil {
			return
		}
	}
}

func (c *compact) skipMap(depth int) {
	n := c.uvarint()
	if n == 0 || c.err != nil {
		return
	}
	if n > uint64(len(c.b)-c.off) {
		c.fail("map of %d entries in %d bytes", n, len(c.b)-c.off)
		return
	}
	types := c.byte()
	c.skipElements(int(n), depth, types>>4, types&15)
}
