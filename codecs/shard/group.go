package shard

import (
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// sampleBytes is the approximate memory of a decoded sample without its
// columns.
const sampleBytes = 256

// groupReader decodes row groups.
type groupReader struct {
	file   io.ReaderAt
	layout *layout
	limits Limits
}

// column reads and decodes one leaf of g, or returns nil for a missing column.
func (r *groupReader) column(g *group, l *leaf, b *budget) (*column, error) {
	if l == nil {
		return nil, nil
	}
	if len(g.chunks) != r.layout.columns {
		return nil, fmt.Errorf("%w: row group of %d columns, schema has %d", ErrCorrupt, len(g.chunks), r.layout.columns)
	}
	k := &g.chunks[l.column]
	if err := b.take(k.sizeBytes); err != nil {
		return nil, fmt.Errorf("column %q: %w", l, err)
	}
	data := make([]byte, k.sizeBytes)
	if n, err := r.file.ReadAt(data, k.start()); n < len(data) {
		return nil, fmt.Errorf("column %q: %w", l, err)
	}
	c, err := decodeColumn(data, k, l, g.rows, b)
	if err != nil {
		return nil, fmt.Errorf("column %q: %w", l, err)
	}
	return c, nil
}

// ids reads the id column alone.
func (r *groupReader) ids(g *group) ([]string, error) {
	c, err := r.column(g, r.layout.id, &budget{r.limits.GroupBytes})
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(c.texts))
	for _, id := range c.texts {
		ids = append(ids, string(id))
	}
	return ids, nil
}

// groupColumns are a row group's columns in the order of layout's fields.
type groupColumns struct {
	id, kind, grid, tokens, source, metaKey, metaValue *column
}

// columns decodes the whole group. The memory of its samples counts against the
// same budget.
func (r *groupReader) columns(g *group) (*groupColumns, error) {
	b := &budget{r.limits.GroupBytes}
	if g.rows > b.left/sampleBytes {
		return nil, fmt.Errorf("%w: row group of %d samples, may take %d bytes", ErrLimit, g.rows, b.left)
	}
	if err := b.take(g.rows * sampleBytes); err != nil {
		return nil, err
	}
	var c groupColumns
	for _, read := range []struct {
		to   **column
		leaf *leaf
	}{
		{&c.id, r.layout.id},
		{&c.kind, r.layout.kind},
		{&c.grid, r.layout.grid},
		{&c.tokens, r.layout.tokens},
		{&c.source, r.layout.source},
		{&c.metaKey, r.layout.metaKey},
		{&c.metaValue, r.layout.metaValue},
	} {
		var err error
		if *read.to, err = r.column(g, read.leaf, b); err != nil {
			return nil, err
		}
	}
	return &c, nil
}

// sample returns row i. Tokens is a view into the decoded column, which is
// never modified.
func (c *groupColumns) sample(i int, limits Limits) (s Sample, err error) {
	if s.ID, err = c.id.text(i); err != nil {
		return s, err
	}
	if s.Kind, err = c.kind.text(i); err != nil {
		return s, err
	}
	if c.source != nil {
		if s.Source, err = c.source.text(i); err != nil {
			return s, err
		}
	}
	from, to := c.tokens.starts[i], c.tokens.starts[i+1]
	if to-from > limits.Tokens {
		return s, fmt.Errorf("%w: %d tokens, limit %d", ErrLimit, to-from, limits.Tokens)
	}
	s.Tokens = c.tokens.ints[from:to:to]
	if s.Grid, err = c.gridOf(i); err != nil {
		return s, err
	}
	s.Meta, err = c.metaOf(i)
	return s, err
}

func (c *groupColumns) gridOf(i int) ([]int32, error) {
	ints := c.grid.ints[c.grid.starts[i]:c.grid.starts[i+1]]
	grid := make([]int32, len(ints))
	for j, x := range ints {
		if x < math.MinInt32 || x > math.MaxInt32 {
			return nil, fmt.Errorf("%w: grid side %d", ErrCorrupt, x)
		}
		grid[j] = int32(x)
	}
	return grid, nil
}

func (c *groupColumns) metaOf(i int) (map[string]string, error) {
	if c.metaKey == nil {
		return nil, nil
	}
	from, to := c.metaKey.starts[i], c.metaKey.starts[i+1]
	if c.metaValue.starts[i+1]-c.metaValue.starts[i] != to-from {
		return nil, fmt.Errorf("%w: metadata keys and values differ in number", ErrCorrupt)
	}
	if from == to {
		return nil, nil
	}
	meta := make(map[string]string, to-from)
	shift := c.metaValue.starts[i] - from
	for j := from; j < to; j++ {
		k, v := c.metaKey.texts[j], c.metaValue.texts[j+shift]
		if !utf8.Valid(k) || !utf8.Valid(v) {
			return nil, fmt.Errorf("%w: metadata %q is not UTF-8", ErrCorrupt, k)
		}
		meta[string(k)] = string(v)
	}
	return meta, nil
}

// text returns the string in row i of a non-list column.
func (c *column) text(i int) (string, error) {
	b := c.texts[c.starts[i]]
	if !utf8.Valid(b) {
		return "", fmt.Errorf("%w: %q is not UTF-8", ErrCorrupt, b)
	}
	return string(b), nil
}
