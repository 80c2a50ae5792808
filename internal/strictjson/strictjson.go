// Package strictjson reads JSON whose names are all ours, such as the description of a model: a name
// that is not known is misspelled. It is not for files of others, which may have fields of their own.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Unmarshal reads data into the value that to points at. Fields that data lacks stay as they are.
// The error names a field that to does not have, or reports a second value.
func Unmarshal(data []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}
