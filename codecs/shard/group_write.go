package shard

import (
	"encoding/binary"
	"io"
	"maps"
	"slices"
)

// createdBy is the writer's name in files.
const createdBy = "morton version 1 (build shard)"

// fileWriter writes Parquet: see [readFooter] for the file layout and [pageHeader]
// for a page.
type fileWriter struct {
	to      io.Writer
	offset  int64
	columns [numLeaves]*columnWriter
	rows    int64 // of all written row groups
	groups  []writtenGroup
}

type writtenGroup struct {
	rows   int64
	chunks [numLeaves]writtenChunk
}

func newFileWriter(to io.Writer) (*fileWriter, error) {
	w := &fileWriter{to: to}
	for i := range w.columns {
		w.columns[i] = &columnWriter{leaf: &writtenLeaves[i]}
	}
	return w, w.put([]byte(magic))
}

func (w *fileWriter) put(b []byte) error {
	n, err := w.to.Write(b)
	w.offset += int64(n)
	return err
}

// add appends a sample to the open row group.
func (w *fileWriter) add(s *Sample) error {
	for _, x := range []struct {
		leaf int
		text string
	}{{leafID, s.ID}, {leafKind, s.Kind}, {leafSource, s.Source}} {
		if err := w.columns[x.leaf].single(x.text); err != nil {
			return err
		}
	}
	grid := w.columns[leafGrid]
	if err := writeList(grid, s.Grid, func(x int32) { grid.plain = binary.LittleEndian.AppendUint32(grid.plain, uint32(x)) }); err != nil {
		return err
	}
	tokens := w.columns[leafTokens]
	if err := writeList(tokens, s.Tokens, func(x int64) { tokens.plain = binary.LittleEndian.AppendUint64(tokens.plain, uint64(x)) }); err != nil {
		return err
	}
	keys := slices.Sorted(maps.Keys(s.Meta))
	if err := writeList(w.columns[leafMetaKey], keys, w.columns[leafMetaKey].text); err != nil {
		return err
	}
	return writeList(w.columns[leafMetaValue], keys, func(k string) { w.columns[leafMetaValue].text(s.Meta[k]) })
}

// flush writes the open row group, unless it is empty.
func (w *fileWriter) flush() error {
	rows := int64(w.columns[leafID].rows)
	if rows == 0 {
		return nil
	}
	g := writtenGroup{rows: rows}
	for i, c := range w.columns {
		var err error
		if g.chunks[i], err = w.chunk(c); err != nil {
			return err
		}
		c.reset()
	}
	w.rows += rows
	w.groups = append(w.groups, g)
	return nil
}

func (w *fileWriter) chunk(c *columnWriter) (writtenChunk, error) {
	k := writtenChunk{values: c.values, offset: w.offset}
	parts, err := c.page()
	if err != nil {
		return k, err
	}
	levels := 0 // and the header, which are not compressed
	for i, b := range parts {
		if i < 3 {
			levels += len(b)
		}
		if err := w.put(b); err != nil {
			return k, err
		}
	}
	k.packed = w.offset - k.offset
	k.plain = int64(levels + c.plainBytes)
	return k, nil
}

// end writes the last row group and the footer.
func (w *fileWriter) end() error {
	if err := w.flush(); err != nil {
		return err
	}
	b := w.footer()
	b = binary.LittleEndian.AppendUint32(b, uint32(len(b)))
	return w.put(append(b, magic...))
}

func (w *fileWriter) footer() []byte {
	t := &compactWriter{}
	t.open()
	t.int32(1, 2) // the format's version
	t.schema(2)
	t.int64(3, w.rows)
	t.list(4, wireStruct, len(w.groups))
	for i := range w.groups {
		t.group(&w.groups[i])
	}
	t.string(6, createdBy)
	t.close()
	return t.b
}

func (w *compactWriter) group(g *writtenGroup) {
	size := int64(0)
	w.open()
	w.list(1, wireStruct, numLeaves)
	for i := range g.chunks {
		w.chunk(&writtenLeaves[i], &g.chunks[i])
		size += g.chunks[i].plain
	}
	w.int64(2, size)
	w.int64(3, g.rows)
	w.close()
}

func (w *compactWriter) chunk(l *leaf, k *writtenChunk) {
	w.open()
	w.int64(2, k.offset)
	w.nested(3, func() {
		w.int32(1, l.typ)
		w.list(2, wireI32, 2)
		w.zigzag(encodingPlain)
		w.zigzag(encodingRLE) // of the levels
		w.list(3, wireBinary, len(l.path))
		for _, name := range l.path {
			w.text(name)
		}
		w.int32(4, codecZstd)
		w.int64(5, int64(k.values))
		w.int64(6, k.plain)
		w.int64(7, k.packed)
		w.int64(9, k.offset)
	})
	w.close()
}
