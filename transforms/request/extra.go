package request

import (
	"encoding/json"
	"fmt"
)

// Extra are a user's own fields by name, as raw JSON.
type Extra map[string]json.RawMessage

// Bounds on a request's own fields. They are written to a row and, indented, to
// a marker, both of which are read up to 1 MiB.
const (
	MaxExtraBytes = 1 << 14
	maxExtraDepth = 16
)

// addOwn adds a line's own fields to those of its "extra".
func (r *Request) addOwn(own Extra) error {
	for name, value := range own {
		if _, twice := r.Extra[name]; twice {
			return fmt.Errorf(`field %q stands in "extra" too`, name)
		}
		if r.Extra == nil {
			r.Extra = make(Extra, len(own))
		}
		r.Extra[name] = value
	}
	return nil
}

func invalidExtra(extra Extra) string {
	n := 0
	for name, value := range extra {
		if n += len(name) + len(value); n > MaxExtraBytes {
			return fmt.Sprintf("fields of your own are over %d bytes", MaxExtraBytes)
		}
		if depth(value) > maxExtraDepth {
			return fmt.Sprintf("field %q is nested over %d deep", name, maxExtraDepth)
		}
	}
	return ""
}

// depth returns the nesting depth of a JSON value.
func depth(value json.RawMessage) int {
	level, deepest, quoted := 0, 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			level++
			deepest = max(deepest, level)
		case c == ']' || c == '}':
			level--
		}
	}
	return deepest
}
