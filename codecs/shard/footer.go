package shard

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A Parquet file ends in its footer:
//
//	"PAR1" | column chunks ... | footer (Thrift) | footer length, u32 LE | "PAR1"
const (
	magic     = "PAR1"
	tailBytes = 8
)

// footer is the part of Parquet's FileMetaData that a reader needs.
type footer struct {
	schema []schemaElement
	rows   int64
	groups []group
}

type schemaElement struct {
	typ        int32 // physical type, -1 for a group
	repetition int32 // 0 required, 1 optional, 2 repeated
	children   int32
	name       string
}

// group is one row group.
type group struct {
	rows   int64
	first  int64 // index of the group's first sample
	chunks []chunk
}

// chunk is one column of one row group.
type chunk struct {
	typ, codec             int32
	values                 int64 // entries, empty lists and nulls included
	sizeBytes              int64 // compressed, with page headers
	dataOffset, dictOffset int64
}

// start is the offset of the chunk's first page.
func (c *chunk) start() int64 {
	if c.dictOffset > 0 && c.dictOffset < c.dataOffset {
		return c.dictOffset
	}
	return c.dataOffset
}

// readFooter reads and checks the footer of a file of the given size. All
// chunks of the result are inside the file, before the footer.
func readFooter(r io.ReaderAt, size int64, limits Limits) (*footer, error) {
	if size > limits.FileBytes {
		return nil, fmt.Errorf("%w: file of %d bytes, limit %d", ErrLimit, size, limits.FileBytes)
	}
	if size < int64(len(magic))+tailBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrNotShard, size)
	}
	var head, tail [tailBytes]byte
	if _, err := r.ReadAt(head[:4], 0); err != nil {
		return nil, err
	}
	if _, err := r.ReadAt(tail[:], size-tailBytes); err != nil {
		return nil, err
	}
	if string(head[:4]) != magic {
		return nil, fmt.Errorf("%w: starts with %q", ErrNotShard, head[:4])
	}
	if string(tail[4:]) != magic {
		return nil, fmt.Errorf("%w: starts as Parquet but ends with %q; truncated?", ErrCorrupt, tail[4:])
	}
	length := int64(binary.LittleEndian.Uint32(tail[:4]))
	if end := size - tailBytes - length; end < int64(len(magic)) {
		return nil, fmt.Errorf("%w: footer of %d bytes in a file of %d", ErrCorrupt, length, size)
	}
	if length > maxFooterBytes {
		return nil, fmt.Errorf("%w: footer of %d bytes, limit %d", ErrLimit, length, maxFooterBytes)
	}
	b := make([]byte, length)
	if _, err := r.ReadAt(b, size-tailBytes-length); err != nil {
		return nil, err
	}
	f, err := parseFooter(b)
	if err != nil {
		return nil, err
	}
	return f, f.check(size-tailBytes-length, limits)
}

func parseFooter(b []byte) (*footer, error) {
	c := &compact{b: b}
	f := &footer{rows: -1}
	c.record(
		field{2, func(wire byte) { c.list(wire, wireStruct, func() { f.schema = append(f.schema, c.schemaElement()) }) }},
		field{3, &f.rows},
		field{4, func(wire byte) { c.list(wire, wireStruct, func() { f.groups = append(f.groups, c.group()) }) }},
	)
	return f, c.err
}

func (c *compact) schemaElement() schemaElement {
	e := schemaElement{typ: -1}
	c.record(field{1, &e.typ}, field{3, &e.repetition}, field{4, &e.name}, field{5, &e.children})
	return e
}

func (c *compact) group() group {
	g := group{rows: -1}
	c.record(
		field{1, func(wire byte) { c.list(wire, wireStruct, func() { g.chunks = append(g.chunks, c.chunk()) }) }},
		field{3, &g.rows},
	)
	return g
}

func (c *compact) chunk() chunk {
	k := chunk{values: -1, sizeBytes: -1}
	c.record(
		field{1, func(wire byte) { c.fail("column in another file: %q", c.string(wire)) }},
		field{3, func(wire byte) {
			c.nested(wire, field{1, &k.typ}, field{4, &k.codec}, field{5, &k.values}, field{7, &k.sizeBytes},
				field{9, &k.dataOffset}, field{11, &k.dictOffset})
		}},
	)
	if k.values < 0 || k.sizeBytes < 0 {
		c.fail("column of %d values in %d bytes", k.values, k.sizeBytes)
	}
	return k
}

// check validates the footer against itself, its offset end and the limits. It
// numbers the groups' samples.
func (f *footer) check(end int64, limits Limits) error {
	sum := int64(0)
	for i := range f.groups {
		g := &f.groups[i]
		g.first = sum
		if g.rows < 0 || g.rows > limits.Samples-sum {
			return fmt.Errorf("%w: row group %d has %d samples after %d, limit %d", ErrLimit, i, g.rows, sum, limits.Samples)
		}
		sum += g.rows
		for j := range g.chunks {
			k := &g.chunks[j]
			if s := k.start(); s < int64(len(magic)) || s > end || k.sizeBytes > end-s {
				return fmt.Errorf("%w: column %d of row group %d: %d bytes at %d, data ends at %d", ErrCorrupt, j, i, k.sizeBytes, s, end)
			}
		}
	}
	if f.rows != sum {
		return fmt.Errorf("%w: %d samples declared, row groups hold %d", ErrCorrupt, f.rows, sum)
	}
	return nil
}
