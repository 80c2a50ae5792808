package gltf

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/morton-gen/morton/mesh/limit"
	qgltf "github.com/qmuntal/gltf"
)

// parse decodes the JSON document and checks what the decoder does not: the
// version is 2.x, no list has a null, and enumerations have valid values. The
// decoder would turn invalid ones into FLOAT or TRIANGLES.
func parse(text []byte, lim Limits) (*qgltf.Document, error) {
	if err := scan(text, lim); err != nil {
		return nil, err
	}
	if err := checkVersion(text); err != nil {
		return nil, err
	}
	if err := checkEnums(text); err != nil {
		return nil, err
	}
	doc := new(qgltf.Document)
	if err := json.Unmarshal(text, doc); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrCorrupt, inWords(err))
	}
	return doc, noNulls(doc)
}

// checkVersion checks the version first, since documents of other versions have
// another structure.
func checkVersion(text []byte) error {
	var doc struct{ Asset struct{ Version any } }
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("%w: %s", ErrCorrupt, inWords(err))
	}
	switch v := doc.Asset.Version.(type) {
	case nil:
		return fmt.Errorf("%w: no asset version", ErrNotGLTF)
	case string:
		if strings.HasPrefix(v, "2.") {
			return nil
		}
		return fmt.Errorf("%w: it is of version %q, and only 2.x is read", ErrNotGLTF, v)
	default: // glTF 1.0 allowed a number
		return fmt.Errorf("%w: it is of version %v, and only 2.x is read", ErrNotGLTF, v)
	}
}

// scan counts objects and values without allocating. An object of two bytes
// becomes several hundred bytes of Go, so the length of the text is no bound.
func scan(text []byte, lim Limits) error {
	objects, values, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			objects++
		case c == ',' || c == '[':
			values++
		}
	}
	if objects > lim.JSONObjects {
		return limit.Over(limit.JSONObjects, int64(lim.JSONObjects))
	}
	if values > lim.JSONValues {
		return limit.Over(limit.JSONValues, int64(lim.JSONValues))
	}
	return nil
}

func noNulls(doc *qgltf.Document) error {
	lists := []struct {
		name string
		null bool
	}{
		{"accessors", slices.Contains(doc.Accessors, nil)},
		{"buffers", slices.Contains(doc.Buffers, nil)},
		{"bufferViews", slices.Contains(doc.BufferViews, nil)},
		{"meshes", slices.Contains(doc.Meshes, nil)},
		{"nodes", slices.Contains(doc.Nodes, nil)},
		{"scenes", slices.Contains(doc.Scenes, nil)},
		{"skins", slices.Contains(doc.Skins, nil)},
	}
	for _, l := range lists {
		if l.null {
			return fmt.Errorf("%w: %s holds a null", ErrCorrupt, l.name)
		}
	}
	for i, m := range doc.Meshes {
		if slices.Contains(m.Primitives, nil) {
			return fmt.Errorf("%w: mesh %d holds a null primitive", ErrCorrupt, i)
		}
	}
	return nil
}

// enums are the document's enumerations as numbers.
type enums struct {
	Accessors []*struct {
		ComponentType int
		Type          string
		Sparse        *struct {
			Indices struct{ ComponentType int }
		}
	}
	Meshes []struct {
		Primitives []struct{ Mode int }
	}
}

var (
	componentTypes = []int{5120, 5121, 5122, 5123, 5125, 5126}
	elementTypes   = []string{"SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4"}
	indexTypes     = []int{5121, 5123, 5125}
)

const lastMode = 6 // TRIANGLE_FAN

func checkEnums(text []byte) error {
	var e enums
	if err := json.Unmarshal(text, &e); err != nil {
		return fmt.Errorf("%w: %s", ErrCorrupt, inWords(err))
	}
	for i, a := range e.Accessors {
		if a == nil {
			continue // noNulls reports that
		}
		if !slices.Contains(componentTypes, a.ComponentType) || !slices.Contains(elementTypes, a.Type) {
			return fmt.Errorf("%w: accessor %d has component type %d, type %q", ErrCorrupt, i, a.ComponentType, a.Type)
		}
		if s := a.Sparse; s != nil && !slices.Contains(indexTypes, s.Indices.ComponentType) {
			return fmt.Errorf("%w: accessor %d has sparse indices of type %d", ErrCorrupt, i, s.Indices.ComponentType)
		}
	}
	for i, m := range e.Meshes {
		for _, p := range m.Primitives {
			if p.Mode < 0 || p.Mode > lastMode {
				return fmt.Errorf("%w: mesh %d has a primitive of mode %d", ErrCorrupt, i, p.Mode)
			}
		}
	}
	return nil
}
