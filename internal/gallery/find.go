package gallery

import (
	"bytes"
	"encoding/json"
	"slices"
)

// findFile names all items of a book of several pages: a page knows only its own.
const findFile = "find.js"

// found is what a search needs: items in their order, each as its ID, the index of its
// family and the bits of its flags.
type found struct {
	PageCards int      `json:"pageCards"`
	Families  []Family `json:"families"`
	Flags     []string `json:"flags"`
	Items     [][3]any `json:"items"`
}

// findScript returns the script: mortonFind({...});
func findScript(b *book) ([]byte, error) {
	f := found{PageCards: pageCards, Flags: b.head.Flags, Items: make([][3]any, len(b.items))}
	for _, k := range kinds {
		f.Families = append(f.Families, k.family)
	}
	for i := range b.items {
		it := &b.items[i]
		bits := 0
		for _, flag := range it.flags() {
			bits |= 1 << slices.Index(f.Flags, flag)
		}
		f.Items[i] = [3]any{it.ID, order(it.Family), bits}
	}
	body, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("mortonFind(")
	out.Write(body)
	out.WriteString(");\n")
	return out.Bytes(), nil
}
