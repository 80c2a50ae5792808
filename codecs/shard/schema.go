package shard

// Logical types of columns, by Parquet's numbers.
const (
	convertedNone = -1
	convertedText = 0
	convertedMap  = 1
	convertedList = 3

	logicalText = 1 // field numbers of a union
	logicalMap  = 2
	logicalList = 3
)

// node is one element of the written schema, depth first.
type node struct {
	name               string
	typ                int32 // physical type, -1 for a group
	repetition         int32 // 0 required, 2 repeated
	children           int32
	converted, logical int32
}

func text(name string) node { return node{name, typeByteArray, 0, 0, convertedText, logicalText} }
func branch(name string, children, converted, logical int32) node {
	return node{name, -1, 0, children, converted, logical}
}

func repeated(name string, children int32) node { return node{name, -1, 2, children, convertedNone, 0} }
func number(name string, typ int32) node        { return node{name, typ, 0, 0, convertedNone, 0} }

// schema is that of a shard: see the package documentation.
var schema = []node{
	branch("columns", 6, convertedNone, 0),
	text("id"),
	text("kind"),
	branch("grid", 1, convertedList, logicalList), repeated("list", 1), number("element", typeInt32),
	branch("tokens", 1, convertedList, logicalList), repeated("list", 1), number("element", typeInt64),
	text("source"),
	branch("meta", 1, convertedMap, logicalMap), repeated("key_value", 2), text("key"), text("value"),
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

// writtenLeaves are the schema's leaves.
var writtenLeaves = func() []leaf {
	var elements []schemaElement
	for _, n := range schema {
		elements = append(elements, schemaElement{typ: n.typ, repetition: n.repetition, children: n.children, name: n.name})
	}
	leaves, err := flatten(elements)
	if err != nil || len(leaves) != numLeaves {
		panic("shard: the schema is inconsistent") // a bug in this package
	}
	return leaves
}()

// schema writes the elements.
func (w *compactWriter) schema(id int16) {
	w.list(id, wireStruct, len(schema))
	for i, n := range schema {
		w.open()
		if n.typ >= 0 {
			w.int32(1, n.typ)
		}
		if i > 0 {
			w.int32(3, n.repetition)
		}
		w.string(4, n.name)
		if n.children > 0 {
			w.int32(5, n.children)
		}
		if n.converted != convertedNone {
			w.int32(6, n.converted)
			w.nested(10, func() { w.nested(int16(n.logical), func() {}) })
		}
		w.close()
	}
}
