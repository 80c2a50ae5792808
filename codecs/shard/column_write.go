package shard

import (
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// packBytes is the number of bytes of a column's values that are buffered
// before compression.
const packBytes = 64 << 10

// columnWriter collects one leaf of one row group: one page, in which a list is never
// split. Values are compressed as they arrive, so a sample of any length takes little
// more memory than its compressed tokens.
type columnWriter struct {
	leaf         *leaf
	reps, defs   runs
	rows, values int
	nulls        int
	plain        []byte // values in PLAIN encoding, to be compressed
	plainBytes   int    // of all values
	packed       pieces
	pack         *zstd.Encoder // of the open page, if something was compressed
}

// packers are encoders that nobody uses. One takes a third of a millisecond to make, and a
// file of one sample has six columns.
var packers = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<17), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // of options that are always the same
	}
	return e
}}

// entry writes the levels of one value, or of an empty list, which is one null.
func (c *columnWriter) entry(first, null bool) {
	def, rep := c.leaf.maxDef, c.leaf.maxRep
	if first {
		c.rows++
		rep = 0
	}
	if null {
		c.nulls++
		def = 0
	}
	c.values++
	c.reps.add(byte(rep), c.leaf.maxRep)
	c.defs.add(byte(def), c.leaf.maxDef)
}

func (c *columnWriter) text(s string) {
	c.plain = binary.LittleEndian.AppendUint32(c.plain, uint32(len(s)))
	c.plain = append(c.plain, s...)
}

// single writes the text of a row of a non-list column.
func (c *columnWriter) single(s string) error {
	c.entry(true, false)
	c.text(s)
	return c.spill(false)
}

// spill compresses the buffered values if there are enough or the page ends.
func (c *columnWriter) spill(end bool) error {
	if len(c.plain) < packBytes && !end {
		return nil
	}
	if c.pack == nil {
		c.pack = packers.Get().(*zstd.Encoder)
		c.pack.Reset(&c.packed)
	}
	c.plainBytes += len(c.plain)
	_, err := c.pack.Write(c.plain)
	c.plain = c.plain[:0]
	if err == nil && end {
		err = c.pack.Close()
		packers.Put(c.pack)
		c.pack = nil
	}
	return err
}

// writeList writes the values of one list with put.
func writeList[T any](c *columnWriter, list []T, put func(T)) error {
	if len(list) == 0 {
		c.entry(true, true)
	}
	for i, x := range list {
		c.entry(i == 0, false)
		put(x)
		if err := c.spill(false); err != nil {
			return err
		}
	}
	return nil
}

// writtenChunk is a column chunk as written to the file.
type writtenChunk struct {
	values        int
	offset        int64
	plain, packed int64 // bytes, including the page header
}

// page ends the row group's page. It returns its header, its levels and the pieces of
// its values, valid until reset.
func (c *columnWriter) page() (parts [][]byte, err error) {
	if err := c.spill(true); err != nil {
		return nil, err
	}
	reps, defs := c.reps.end(), c.defs.end()
	crc := crc32.Update(crc32.ChecksumIEEE(reps), crc32.IEEETable, defs)
	for _, p := range c.packed.all {
		crc = crc32.Update(crc, crc32.IEEETable, p)
	}
	w := &compactWriter{}
	w.open()
	w.int32(1, pageDataV2)
	w.int32(2, int32(len(reps)+len(defs)+c.plainBytes))
	w.int32(3, int32(len(reps)+len(defs)+c.packed.size()))
	w.int32(4, int32(crc))
	w.nested(8, func() {
		w.int32(1, int32(c.values))
		w.int32(2, int32(c.nulls))
		w.int32(3, int32(c.rows))
		w.int32(4, encodingPlain)
		w.int32(5, int32(len(defs)))
		w.int32(6, int32(len(reps)))
	})
	w.close()
	return append([][]byte{w.b, reps, defs}, c.packed.all...), nil
}

// reset prepares the column for the next row group.
func (c *columnWriter) reset() {
	c.reps, c.defs = runs{}, runs{}
	c.rows, c.values, c.nulls, c.plainBytes = 0, 0, 0, 0
	c.packed.reset()
}

// pieces is a buffer of pieces. Unlike a growing slice it never copies, which would take up
// to three times the bytes of a long sample.
type pieces struct{ all [][]byte }

// A piece has twice the capacity of the one before, within these bounds.
const minPiece, maxPiece = 4 << 10, 1 << 20

// Write implements io.Writer.
func (p *pieces) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		last := len(p.all) - 1
		if last < 0 || len(p.all[last]) == cap(p.all[last]) {
			room := minPiece
			if last >= 0 {
				room = min(2*cap(p.all[last]), maxPiece)
			}
			p.all = append(p.all, make([]byte, 0, room))
			last++
		}
		free := cap(p.all[last]) - len(p.all[last])
		take := min(free, len(b))
		p.all[last] = append(p.all[last], b[:take]...)
		b = b[take:]
	}
	return n, nil
}

func (p *pieces) size() (n int) {
	for _, b := range p.all {
		n += len(b)
	}
	return n
}

// reset keeps only the first piece.
func (p *pieces) reset() {
	if len(p.all) > 0 {
		p.all = append(p.all[:0:0], p.all[0][:0])
	}
}

// runs encodes levels as run lengths: see [hybrid].
type runs struct {
	b     []byte
	level byte
	n     uint64
}

// add appends a level of 0 to top. A column whose top is 0 has no levels.
func (r *runs) add(level byte, top int) {
	if top == 0 {
		return
	}
	if r.n > 0 && level != r.level {
		r.flush()
	}
	r.level = level
	r.n++
}

func (r *runs) flush() {
	r.b = append(binary.AppendUvarint(r.b, r.n<<1), r.level)
	r.n = 0
}

func (r *runs) end() []byte {
	if r.n > 0 {
		r.flush()
	}
	return r.b
}
