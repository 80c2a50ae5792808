package request

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Plain samples from the model's own distribution.
var Plain = Sampling{Temperature: 1, TopK: 0, TopP: 1}

// UnmarshalJSON reads fields over those of s, or over [Plain] if s is zero, so
// that a manifest may omit fields.
func (s *Sampling) UnmarshalJSON(data []byte) error {
	type fields Sampling
	if *s == (Sampling{}) {
		*s = Plain
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(data, &given); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if slices.Contains(samplingFields, name) {
			continue
		}
		if near := Nearest(name, samplingFields); near != "" {
			return fmt.Errorf(`unknown field %q of "sampling"; did you mean %q?`, name, near)
		}
		return fmt.Errorf(`unknown field %q of "sampling": it has %v`, name, samplingFields)
	}
	return json.Unmarshal(data, (*fields)(s))
}
