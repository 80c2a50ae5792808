package sequence

import (
	"errors"
	"fmt"

	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on, beside [mesh.ErrEmpty], [mesh.ErrFace] and
// [mesh.ErrNotFinite].
var (
	// ErrOptions reports invalid options.
	ErrOptions = errors.New("bad options")
	// ErrRange reports a vertex outside [-1, 1].
	ErrRange = errors.New("vertex outside [-1, 1]")
	// ErrToken reports a token that the grammar forbids; the message has its
	// position.
	ErrToken = errkind.New("bad_sample", "bad token")
)

const (
	// FaceTokens is the number of tokens of one face.
	FaceTokens = 12
	// DefaultLevels is the default number of levels of a coordinate.
	DefaultLevels = 1024
	// MaxLevels is the largest number of levels.
	MaxLevels = 1 << 20
)

// Options control how meshes become tokens. The zero value is ready for use.
type Options struct {
	// Levels is the number of cells of a coordinate; 0 means 1024.
	Levels int `json:"levels,omitempty"`
	// Tolerant makes [Decode] drop and count errors, as generated sequences
	// need, instead of returning [ErrToken]. [Encode] ignores it.
	Tolerant bool `json:"tolerant,omitempty"`
}

// Validate returns an error wrapping [ErrOptions] if a field is out of range.
func (o Options) Validate() error {
	if o.Levels != 0 && (o.Levels < 2 || o.Levels > MaxLevels) {
		return fmt.Errorf("%w: %d levels, 2 to %d can be used", ErrOptions, o.Levels, MaxLevels)
	}
	return nil
}

func (o Options) levels() int {
	if o.Levels == 0 {
		return DefaultLevels
	}
	return o.Levels
}

// Pad returns the pad token.
func (o Options) Pad() int32 { return int32(o.levels()) }

// EOS returns the end token.
func (o Options) EOS() int32 { return int32(o.levels() + 1) }

// VocabSize returns the number of different tokens: Levels + 2.
func (o Options) VocabSize() int { return o.levels() + 2 }
