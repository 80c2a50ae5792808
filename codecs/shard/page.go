package shard

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Page types and value encodings of Parquet.
const (
	pageDataV1     = 0
	pageDictionary = 2
	pageDataV2     = 3

	encodingPlain     = 0
	encodingPlainDict = 2
	encodingRLE       = 3
	encodingRLEDict   = 8
)

// pageHeader is the header of one page. The fields after crc belong to data
// pages.
type pageHeader struct {
	typ                int32
	unpacked, packed   int32 // bytes
	crc                int32
	hasCRC             bool
	values             int32 // entries, nulls included
	encoding           int32
	defEncoding        int32 // v1 only, as repEncoding
	repEncoding        int32
	defBytes, repBytes int32 // v2 only: levels before the values, never compressed
	plainValues        bool  // v2 only: values are not compressed
}

// readPage returns the header and raw payload of the page at the start of b,
// and the bytes used.
func readPage(b []byte) (h pageHeader, payload []byte, used int, err error) {
	c := &compact{b: b}
	h = c.pageHeader()
	if c.err != nil {
		return h, nil, 0, c.err
	}
	if h.unpacked < 0 || h.packed < 0 || h.values < 0 || h.defBytes < 0 || h.repBytes < 0 {
		return h, nil, 0, fmt.Errorf("%w: page header with a negative count", ErrCorrupt)
	}
	payload = c.take(uint64(h.packed))
	if c.err != nil {
		return h, nil, 0, c.err
	}
	if h.hasCRC && crc32.ChecksumIEEE(payload) != uint32(h.crc) {
		return h, nil, 0, fmt.Errorf("%w: checksum of a page differs", ErrCorrupt)
	}
	return h, payload, c.off, nil
}

func (c *compact) pageHeader() (h pageHeader) {
	h.typ = -1
	c.record(
		field{1, &h.typ},
		field{2, &h.unpacked},
		field{3, &h.packed},
		field{4, func(wire byte) { h.crc, h.hasCRC = c.int32(wire), true }},
		field{5, func(wire byte) {
			c.nested(wire, field{1, &h.values}, field{2, &h.encoding}, field{3, &h.defEncoding}, field{4, &h.repEncoding})
		}},
		field{7, func(wire byte) { c.nested(wire, field{1, &h.values}, field{2, &h.encoding}) }}, // dictionary
		field{8, func(wire byte) {
			c.nested(wire, field{1, &h.values}, field{4, &h.encoding}, field{5, &h.defBytes}, field{6, &h.repBytes},
				field{7, func(wire byte) { h.plainValues = wire == wireFalse; c.skip(wire, maxNesting) }})
		}},
	)
	return h
}

// dataPage is a data page split into encoded levels and encoded values.
type dataPage struct {
	reps, defs, values []byte
}

// split decompresses and splits a data page's payload. The caller has checked
// h.unpacked against its budget.
func (h *pageHeader) split(payload []byte, codec int32, l *leaf) (p dataPage, err error) {
	if h.typ == pageDataV2 {
		return h.splitV2(payload, codec)
	}
	b, err := decompress(payload, codec, int(h.unpacked))
	if err != nil {
		return p, err
	}
	if l.maxRep > 0 {
		if p.reps, b, err = levelsV1(b, h.repEncoding); err != nil {
			return p, err
		}
	}
	if l.maxDef > 0 {
		if p.defs, b, err = levelsV1(b, h.defEncoding); err != nil {
			return p, err
		}
	}
	p.values = b
	return p, nil
}

func (h *pageHeader) splitV2(payload []byte, codec int32) (p dataPage, err error) {
	levels := int64(h.repBytes) + int64(h.defBytes)
	if levels > int64(len(payload)) || levels > int64(h.unpacked) {
		return p, fmt.Errorf("%w: %d bytes of levels in a page of %d", ErrCorrupt, levels, len(payload))
	}
	p.reps, p.defs = payload[:h.repBytes], payload[h.repBytes:levels]
	if h.plainValues {
		codec = codecNone
	}
	p.values, err = decompress(payload[levels:], codec, int(int64(h.unpacked)-levels))
	return p, err
}

// levelsV1 splits the levels off a page of version 1: u32 length, then runs.
func levelsV1(b []byte, encoding int32) (levels, rest []byte, err error) {
	if encoding != encodingRLE {
		return nil, nil, fmt.Errorf("%w: levels in encoding %d", ErrSchema, encoding)
	}
	if len(b) < 4 {
		return nil, nil, fmt.Errorf("%w: page ends before its levels", ErrCorrupt)
	}
	n := binary.LittleEndian.Uint32(b)
	if int64(n) > int64(len(b)-4) {
		return nil, nil, fmt.Errorf("%w: %d bytes of levels in a page of %d", ErrCorrupt, n, len(b))
	}
	return b[4 : 4+n], b[4+n:], nil
}
