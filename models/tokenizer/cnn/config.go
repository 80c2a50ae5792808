package cnn

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/internal/errkind"
)

// ErrConfig reports a description of a tokenizer that no network fits.
var ErrConfig = errkind.New("bad_model", "bad tokenizer configuration")

// MaxConfigBytes bounds a description, which takes some hundred bytes.
const MaxConfigBytes = 1 << 20

// ParseConfig reads a description from JSON over the defaults in c, a pointer. Fields that
// c does not have are passed over. The caller validates. The error wraps [ErrConfig].
func ParseConfig(data []byte, c any) error {
	if len(data) > MaxConfigBytes {
		return fmt.Errorf("%w: %d bytes, maximum %d", ErrConfig, len(data), MaxConfigBytes)
	}
	if err := json.Unmarshal(data, c); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

// Field is a number of a description and its bounds: Lo to Hi, and a multiple of Of.
type Field struct {
	Name            string
	Got, Lo, Hi, Of int
}

// In says that a field is lo to hi, and a multiple of of.
func In(name string, got, lo, hi, of int) Field { return Field{name, got, lo, hi, of} }

// CheckFields returns an error that wraps [ErrConfig] if a field is out of bounds.
func CheckFields(fields ...Field) error {
	for _, f := range fields {
		if f.Got < f.Lo || f.Got > f.Hi || f.Got%f.Of != 0 {
			return fmt.Errorf("%w: %s is %d, want %d to %d and a multiple of %d", ErrConfig, f.Name, f.Got, f.Lo, f.Hi, f.Of)
		}
	}
	return nil
}

// Check returns an error that wraps [ErrConfig] if the levels are out of bounds. The names
// of the fields begin with a prefix.
func (n Network) Check(prefix string) error {
	if err := CheckFields(
		Field{prefix + "ch", n.Ch, 32, 1024, 32},
		Field{"the number of levels in " + prefix + "ch_mult", len(n.ChMult), 1, 8, 1},
		Field{prefix + "num_res_blocks", n.ResBlocks, 1, 16, 1},
	); err != nil {
		return err
	}
	for _, m := range n.ChMult {
		if m < 1 || m > 16 || m*n.Ch > 4096 {
			return fmt.Errorf("%w: %sch_mult %v of %d channels, want 1 to 16 and at most 4096 channels", ErrConfig, prefix, n.ChMult, n.Ch)
		}
	}
	return nil
}
