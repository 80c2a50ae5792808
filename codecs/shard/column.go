package shard

import "fmt"

// column is one decoded leaf column of one row group. Row i has the values
// starts[i] to starts[i+1].
type column struct {
	values
	starts []int // [r+1]
}

// budget is the number of bytes that decoding a row group may still allocate.
type budget struct{ left int64 }

func (b *budget) take(n int64) error {
	if n > b.left {
		return fmt.Errorf("%w: row group needs %d bytes more than its limit", ErrLimit, n-b.left)
	}
	b.left -= n
	return nil
}

// entryBytes is the memory of one column entry during decoding: levels, a
// dictionary index and the value (a slice header for text), with spare
// capacity.
func entryBytes(typ int32) int64 {
	if typ == typeByteArray {
		return 64
	}
	return 24
}

// columnDecoder decodes the pages of one column chunk.
type columnDecoder struct {
	leaf   *leaf
	codec  int32
	budget *budget
	dict   *values
	left   int64 // entries still expected
	out    column
}

// decodeColumn decodes a whole column chunk of rows rows. Memory is charged to
// the budget before it is allocated.
func decodeColumn(data []byte, k *chunk, l *leaf, rows int64, b *budget) (*column, error) {
	if k.typ != l.typ {
		return nil, fmt.Errorf("%w: physical type %d, schema says %d", ErrCorrupt, k.typ, l.typ)
	}
	if k.values > b.left/entryBytes(l.typ) {
		return nil, fmt.Errorf("%w: %d entries, row group may take %d bytes", ErrLimit, k.values, b.left)
	}
	if err := b.take(k.values * entryBytes(l.typ)); err != nil {
		return nil, err
	}
	d := &columnDecoder{leaf: l, codec: k.codec, budget: b, left: k.values}
	for d.left > 0 {
		used, err := d.page(data)
		if err != nil {
			return nil, err
		}
		data = data[used:]
	}
	if int64(len(d.out.starts)) != rows {
		return nil, fmt.Errorf("%w: %d rows, row group has %d", ErrCorrupt, len(d.out.starts), rows)
	}
	d.out.starts = append(d.out.starts, d.out.len())
	return &d.out, nil
}

// page decodes the page at the start of data and returns its length.
func (d *columnDecoder) page(data []byte) (used int, err error) {
	h, payload, used, err := readPage(data)
	if err != nil {
		return 0, err
	}
	if err := d.budget.take(int64(h.unpacked)); err != nil {
		return 0, err
	}
	switch h.typ {
	case pageDictionary:
		err = d.dictionary(&h, payload)
	case pageDataV1, pageDataV2:
		err = d.data(&h, payload)
	}
	return used, err
}

func (d *columnDecoder) dictionary(h *pageHeader, payload []byte) error {
	if d.dict != nil {
		return fmt.Errorf("%w: second dictionary", ErrCorrupt)
	}
	if err := d.budget.take(int64(h.values) * entryBytes(d.leaf.typ)); err != nil {
		return err
	}
	b, err := decompress(payload, d.codec, int(h.unpacked))
	if err != nil {
		return err
	}
	d.dict = &values{}
	return d.dict.appendPlain(b, d.leaf.typ, int(h.values))
}

func (d *columnDecoder) data(h *pageHeader, payload []byte) error {
	if int64(h.values) > d.left {
		return fmt.Errorf("%w: page of %d entries, %d left", ErrCorrupt, h.values, d.left)
	}
	p, err := h.split(payload, d.codec, d.leaf)
	if err != nil {
		return err
	}
	d.left -= int64(h.values)
	reps, err := levels(p.reps, d.leaf.maxRep, int(h.values))
	if err != nil {
		return err
	}
	defs, err := levels(p.defs, d.leaf.maxDef, int(h.values))
	if err != nil {
		return err
	}
	present := int(h.values)
	for _, def := range defs {
		if int(def) < d.leaf.maxDef {
			present--
		}
	}
	got, err := d.decodeValues(h, p.values, present)
	if err != nil {
		return err
	}
	return d.assemble(int(h.values), reps, defs, got)
}

// levels decodes n levels of 0 to top, or returns nil if they are all 0.
func levels(b []byte, top, n int) ([]uint8, error) {
	if top == 0 {
		return nil, nil
	}
	out := make([]uint8, n)
	if err := hybrid(out, b, widthOf(top)); err != nil {
		return nil, err
	}
	for _, level := range out {
		if int(level) > top {
			return nil, fmt.Errorf("%w: level %d, maximum %d", ErrCorrupt, level, top)
		}
	}
	return out, nil
}

func (d *columnDecoder) decodeValues(h *pageHeader, b []byte, n int) (*values, error) {
	v := &values{}
	switch h.encoding {
	case encodingPlain:
		return v, v.appendPlain(b, d.leaf.typ, n)
	case encodingPlainDict, encodingRLEDict:
		return v, v.appendIndexed(b, d.dict, n)
	}
	return nil, fmt.Errorf("%w: encoding %d; plain (0) and dictionary (2, 8) are read", ErrSchema, h.encoding)
}

// assemble turns n entries of levels and the values present into rows.
func (d *columnDecoder) assemble(n int, reps, defs []uint8, got *values) error {
	if n > 0 && len(d.out.starts) == 0 && reps != nil && reps[0] != 0 {
		return fmt.Errorf("%w: first entry continues a list", ErrCorrupt)
	}
	if got.len() == n {
		d.assembleFull(n, reps, got)
		return nil
	}
	next := 0
	for i := range n {
		if reps == nil || reps[i] == 0 {
			d.out.starts = append(d.out.starts, d.out.len())
		}
		switch {
		case defs == nil || int(defs[i]) == d.leaf.maxDef:
			d.out.move(got, next)
			next++
		case d.leaf.maxRep == 0:
			d.out.appendZero(d.leaf.typ)
		case int(defs[i]) >= d.leaf.listDef:
			if d.leaf.typ != typeByteArray {
				return fmt.Errorf("%w: null in a list of numbers", ErrCorrupt)
			}
			d.out.appendZero(d.leaf.typ)
		}
	}
	return nil
}

// assembleFull is assemble for pages without nulls, the common case.
func (d *columnDecoder) assembleFull(n int, reps []uint8, got *values) {
	base := d.out.len()
	for i := range n {
		if reps == nil || reps[i] == 0 {
			d.out.starts = append(d.out.starts, base+i)
		}
	}
	if d.out.ints == nil { // as in a page of one long sample
		d.out.ints = got.ints
	} else {
		d.out.ints = append(d.out.ints, got.ints...)
	}
	d.out.texts = append(d.out.texts, got.texts...)
}
