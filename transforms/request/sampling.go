package request

import (
	"bytes"
	"encoding/json"
)

// Plain draws from the model's own distribution.
var Plain = Sampling{Temperature: 1, TopK: 0, TopP: 1}

// UnmarshalJSON reads s over what it holds, or over [Plain] if it holds nothing,
// so that a manifest need not name every field.
func (s *Sampling) UnmarshalJSON(data []byte) error {
	type fields Sampling
	if *s == (Sampling{}) {
		*s = Plain
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode((*fields)(s))
}
