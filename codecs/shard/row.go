package shard

import (
	"maps"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// columns is the Go shape that yields the file's schema; rows are built by
// hand (see appendRow), because a map would be written in random order.
type columns struct {
	ID     string            `parquet:"id"`
	Kind   string            `parquet:"kind"`
	Grid   []int32           `parquet:"grid,list"`
	Tokens []int64           `parquet:"tokens,list"`
	Source string            `parquet:"source"`
	Meta   map[string]string `parquet:"meta"`
}

// Leaf columns in the order of the schema.
const (
	leafID = iota
	leafKind
	leafGrid
	leafTokens
	leafSource
	leafMetaKey
	leafMetaValue
	numLeaves
)

var fileSchema = parquet.SchemaOf(columns{})

// appendRow appends the leaf values of s, column by column, with their
// repetition and definition levels.
func appendRow(row parquet.Row, s *Sample) parquet.Row {
	row = append(row,
		parquet.ByteArrayValue([]byte(s.ID)).Level(0, 0, leafID),
		parquet.ByteArrayValue([]byte(s.Kind)).Level(0, 0, leafKind))
	row = appendList(row, leafGrid, s.Grid, parquet.Int32Value)
	row = appendList(row, leafTokens, s.Tokens, parquet.Int64Value)
	row = append(row, parquet.ByteArrayValue([]byte(s.Source)).Level(0, 0, leafSource))
	keys := slices.Sorted(maps.Keys(s.Meta))
	text := func(k string) parquet.Value { return parquet.ByteArrayValue([]byte(k)) }
	row = appendList(row, leafMetaKey, keys, text)
	return appendList(row, leafMetaValue, keys, func(k string) parquet.Value { return text(s.Meta[k]) })
}

// appendList appends one list: its first element has repetition level 0, the
// others 1; an empty list is one null at definition level 0.
func appendList[T any](row parquet.Row, leaf int, list []T, value func(T) parquet.Value) parquet.Row {
	if len(list) == 0 {
		return append(row, parquet.NullValue().Level(0, 0, leaf))
	}
	for i, x := range list {
		row = append(row, value(x).Level(min(i, 1), 1, leaf))
	}
	return row
}
