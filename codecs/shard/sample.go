package shard

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on.
var (
	// ErrNotShard reports bytes that are not a Parquet file.
	ErrNotShard = errkind.New("not_a_shard", "not a Parquet file")
	// ErrSchema reports a Parquet file with columns or encodings that are not a
	// shard's; the message names the column.
	ErrSchema = errkind.New("not_a_shard", "not a shard's columns")
	// ErrCorrupt reports an inconsistent Parquet file.
	ErrCorrupt = errkind.New("corrupt", "corrupt shard")
	// ErrLimit reports a count or size over the reader's [Limits].
	ErrLimit = errkind.New("limit", "over a limit")
	// ErrSample reports a sample that cannot be written.
	ErrSample = errkind.New("bad_sample", "bad sample")
	// ErrRange reports a sample index outside the shard.
	ErrRange = errkind.New("bad_sample", "no such sample")
	// ErrClosed reports the use of a closed or aborted writer or reader.
	ErrClosed = errors.New("shard is closed")
)

// The kinds of the native families and of image tokenizers. Others are allowed.
const (
	KindCube   = "cube"
	KindOctree = "octree"
	KindQuad   = "quad"
	// Images: KindVQ has a Grid of [rows, columns], KindScales the sides of all scales,
	// and KindKL [rows, columns, numbers]. Tokens of KindKL are the bits of f32 numbers.
	// So are those of KindScales if the count of numbers per token follows the sides.
	KindVQ     = "vq"
	KindScales = "scales"
	KindKL     = "kl"
	// Clips: KindLARP has a Grid of [clips, tokens of a clip], and KindVAE3D [times, rows,
	// columns, numbers] with tokens as in KindKL. KindStar has [times, rows, columns, words
	// of a code] and stores the words of all codes.
	KindLARP  = "larp"
	KindVAE3D = "vae3d"
	KindStar  = "star"
	// Shapes: KindOctreeCodes has the first and last level of an octree. The tokens are the
	// split flags of all levels from the first up to before the last, then a code per node
	// of the last. All nodes of the first level exist, and a node that splits has eight
	// children. If no node of a level splits, the first one counts as split.
	KindOctreeCodes = "octree-codes"
	// KindPlanes has the number of planes and the sides of all scales. A scale has the tokens
	// of each plane in turn.
	KindPlanes = "planes"
	// KindRig has the number of points of a surface and of joints. Tokens are the bits of f32
	// numbers, four at a time: a point's position, its normal, and so on; a joint's place,
	// its parent; then the influences of each point.
	KindRig = "rig"
)

// Sample is one row: the tokens of one clip, shape or mesh.
type Sample struct {
	ID     string            // not empty
	Kind   string            // not empty; one of the Kind constants or a new family's name
	Grid   []int32           // the family's shape, for example [t, h, w] cubes
	Tokens []int64           // [n] token ids, or codes of up to 64 bits as bit patterns
	Source string            // path or URI of the source; may be empty
	Meta   map[string]string // anything else; nil when empty
}

// check returns an error wrapping [ErrSample] if s cannot be written.
func (s *Sample) check() error {
	if s.ID == "" {
		return fmt.Errorf("%w: no id", ErrSample)
	}
	if s.Kind == "" {
		return fmt.Errorf("%w: %q has no kind", ErrSample, s.ID)
	}
	if len(s.Tokens) > MaxTokens {
		return fmt.Errorf("%w: %q has %d tokens, maximum %d", ErrSample, s.ID, len(s.Tokens), MaxTokens)
	}
	for _, text := range []string{s.ID, s.Kind, s.Source} {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%w: %q is not UTF-8", ErrSample, text)
		}
	}
	for k, v := range s.Meta {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return fmt.Errorf("%w: metadata %q of %q is not UTF-8", ErrSample, k, s.ID)
		}
	}
	return nil
}

// sizeBytes is the approximate size of s in a row group before compression.
func (s *Sample) sizeBytes() int {
	n := len(s.ID) + len(s.Kind) + len(s.Source) + 4*len(s.Grid) + 8*len(s.Tokens) + 64
	for k, v := range s.Meta {
		n += len(k) + len(v) + 8
	}
	return n
}
