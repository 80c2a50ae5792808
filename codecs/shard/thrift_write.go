package shard

import "encoding/binary"

// compactWriter writes Thrift's compact protocol: see [compact]. Fields of a struct
// must be written in ascending order.
type compactWriter struct {
	b    []byte
	last []int16 // latest field number of each open struct
}

// open begins a struct that is not a field.
func (w *compactWriter) open() { w.last = append(w.last, 0) }

// close ends the innermost open struct.
func (w *compactWriter) close() {
	w.b = append(w.b, wireStop)
	w.last = w.last[:len(w.last)-1]
}

// field writes a field header: the difference to the previous number, always below 16 in
// Parquet, and the wire type.
func (w *compactWriter) field(id int16, wire byte) {
	last := &w.last[len(w.last)-1]
	w.b = append(w.b, byte(id-*last)<<4|wire)
	*last = id
}

func (w *compactWriter) zigzag(v int64) { w.b = binary.AppendVarint(w.b, v) }

func (w *compactWriter) int32(id int16, v int32) {
	w.field(id, wireI32)
	w.zigzag(int64(v))
}

func (w *compactWriter) int64(id int16, v int64) {
	w.field(id, wireI64)
	w.zigzag(v)
}

func (w *compactWriter) text(s string) {
	w.b = binary.AppendUvarint(w.b, uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *compactWriter) string(id int16, s string) {
	w.field(id, wireBinary)
	w.text(s)
}

// nested writes a struct field.
func (w *compactWriter) nested(id int16, fields func()) {
	w.field(id, wireStruct)
	w.open()
	fields()
	w.close()
}

// list writes the header of a list of n elements, which the caller writes next.
func (w *compactWriter) list(id int16, element byte, n int) {
	w.field(id, wireList)
	if n < 15 {
		w.b = append(w.b, byte(n)<<4|element)
		return
	}
	w.b = append(w.b, 15<<4|element)
	w.b = binary.AppendUvarint(w.b, uint64(n))
}
