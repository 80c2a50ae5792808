package strictjson

import (
	"bytes"
	"encoding/json"
)

// Twice returns a name that an object of data has twice, at any depth, or "". Data is valid
// JSON. Encoding/json takes the last value and drops the others.
func Twice(data []byte) string {
	d := json.NewDecoder(bytes.NewReader(data))
	var open []map[string]bool // names of the objects around; nil is a list
	named := false             // the object's next token is a value
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		inner := len(open) - 1
		if name, ok := token.(string); ok && inner >= 0 && open[inner] != nil && !named {
			if open[inner][name] {
				return name
			}
			open[inner][name], named = true, true
			continue
		}
		named = false
		switch token {
		case json.Delim('{'):
			open = append(open, map[string]bool{})
		case json.Delim('['):
			open = append(open, nil)
		case json.Delim('}'), json.Delim(']'):
			open = open[:inner]
		}
	}
}
