package shard

import (
	"fmt"
	"strings"
)

// Physical types of Parquet that shards use.
const (
	typeInt32     = 1
	typeInt64     = 2
	typeByteArray = 6
)

// maxColumns bounds the schema. A shard has seven leaves; further columns of a
// user are ignored.
const maxColumns = 1024

// leaf is one leaf column of the schema.
type leaf struct {
	path   []string
	column int // index among all leaves of the file
	typ    int32
	// Levels as in the Dremel encoding. An entry has a value if its definition
	// level is maxDef. Its list has an element if the level is at least
	// listDef.
	maxDef, maxRep, listDef int
}

func (l *leaf) String() string { return strings.Join(l.path, ".") }

// flatten walks the schema depth first and returns its leaves.
func flatten(schema []schemaElement) ([]leaf, error) {
	if len(schema) == 0 || len(schema) > maxColumns {
		return nil, fmt.Errorf("%w: %d schema elements", ErrSchema, len(schema))
	}
	f := flattener{rest: schema[1:]}
	if err := f.walk(schema[0].children, leaf{}); err != nil {
		return nil, err
	}
	if len(f.rest) != 0 {
		return nil, fmt.Errorf("%w: %d schema elements outside the tree", ErrCorrupt, len(f.rest))
	}
	return f.leaves, nil
}

type flattener struct {
	rest   []schemaElement
	leaves []leaf
}

func (f *flattener) walk(children int32, parent leaf) error {
	if len(parent.path) > maxNesting {
		return fmt.Errorf("%w: column %s is nested too deep", ErrSchema, &parent)
	}
	for range children {
		if len(f.rest) == 0 {
			return fmt.Errorf("%w: schema ends inside %s", ErrCorrupt, &parent)
		}
		e := f.rest[0]
		f.rest = f.rest[1:]
		l := parent
		l.path = append(append([]string(nil), parent.path...), e.name)
		l.typ = e.typ
		switch e.repetition {
		case 1:
			l.maxDef++
		case 2:
			l.maxDef++
			l.maxRep++
			l.listDef = l.maxDef
		}
		if e.children > 0 {
			if err := f.walk(e.children, l); err != nil {
				return err
			}
			continue
		}
		l.column = len(f.leaves)
		f.leaves = append(f.leaves, l)
	}
	return nil
}

// layout locates a shard's columns in a file. source, metaKey and metaValue may
// be nil, since other writers may omit them.
type layout struct {
	id, kind, grid, tokens, source, metaKey, metaValue *leaf
	columns                                            int
}

// findLayout finds a shard's columns by name. The error wraps [ErrSchema] and
// names the first missing or mistyped column.
func findLayout(schema []schemaElement) (*layout, error) {
	leaves, err := flatten(schema)
	if err != nil {
		return nil, err
	}
	l := &layout{columns: len(leaves)}
	for _, want := range []struct {
		to       **leaf
		top, end string
		list     bool
		types    [2]int32
		optional bool
	}{
		{&l.id, "id", "", false, [2]int32{typeByteArray}, false},
		{&l.kind, "kind", "", false, [2]int32{typeByteArray}, false},
		{&l.grid, "grid", "", true, [2]int32{typeInt32, typeInt64}, false},
		{&l.tokens, "tokens", "", true, [2]int32{typeInt32, typeInt64}, false},
		{&l.source, "source", "", false, [2]int32{typeByteArray}, true},
		{&l.metaKey, "meta", "key", true, [2]int32{typeByteArray}, true},
		{&l.metaValue, "meta", "value", true, [2]int32{typeByteArray}, true},
	} {
		found, err := findLeaf(leaves, want.top, want.end)
		switch {
		case err != nil:
			return nil, err
		case found == nil && want.optional:
			continue
		case found == nil:
			return nil, fmt.Errorf("%w: column %q is missing", ErrSchema, want.top)
		case found.typ != want.types[0] && (found.typ != want.types[1] || want.types[1] == 0):
			return nil, fmt.Errorf("%w: column %q has physical type %d", ErrSchema, found, found.typ)
		case found.maxRep > 1 || found.maxRep == 1 != want.list:
			return nil, fmt.Errorf("%w: column %q is a list %d deep", ErrSchema, found, found.maxRep)
		}
		*want.to = found
	}
	if (l.metaKey == nil) != (l.metaValue == nil) {
		return nil, fmt.Errorf("%w: column \"meta\" is not a map", ErrSchema)
	}
	return l, nil
}

// findLeaf returns the leaf under the top-level column top whose path ends in
// end (any if empty), or nil if there is none. Several are an error.
func findLeaf(leaves []leaf, top, end string) (*leaf, error) {
	var found *leaf
	for i := range leaves {
		l := &leaves[i]
		if l.path[0] != top || end != "" && l.path[len(l.path)-1] != end {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%w: column %q is there twice, as %s and %s", ErrSchema, top, found, l)
		}
		found = l
	}
	return found, nil
}
