package shard

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on.
var (
	// ErrNotShard reports bytes that are not a Parquet file at all.
	ErrNotShard = errkind.New("not_a_shard", "not a Parquet file")
	// ErrSchema reports a Parquet file whose columns are not those of a shard,
	// or use an encoding that shards do not; the message names the column.
	ErrSchema = errkind.New("not_a_shard", "not a shard's columns")
	// ErrCorrupt reports a Parquet file that contradicts itself.
	ErrCorrupt = errkind.New("corrupt", "corrupt shard")
	// ErrLimit reports a count or size over the reader's [Limits].
	ErrLimit = errkind.New("limit", "over a limit")
	// ErrSample reports a sample that cannot be written.
	ErrSample = errkind.New("bad_sample", "bad sample")
	// ErrRange reports a sample number outside the shard.
	ErrRange = errkind.New("bad_sample", "no such sample")
	// ErrClosed reports the use of a closed or aborted writer or reader.
	ErrClosed = errors.New("shard is closed")
)

// The kinds of the native families, and of tokenizers of pictures. Others are allowed.
const (
	KindCube   = "cube"
	KindOctree = "octree"
	KindQuad   = "quad"
	// Of pictures: KindVQ has a Grid of [rows, columns], KindScales the sides of all
	// scales, and KindKL [rows, columns, numbers], with tokens that are the bits of f32
	// numbers. So are those of KindScales where the numbers of a token follow the sides.
	KindVQ     = "vq"
	KindScales = "scales"
	KindKL     = "kl"
	// Of clips: KindLARP has a Grid of [clips, tokens of a clip], and KindVAE3D [times,
	// rows, columns, numbers], with tokens like those of KindKL. KindStar has [times, rows,
	// columns, words of a code], with the words of all codes.
	KindLARP  = "larp"
	KindVAE3D = "vae3d"
	KindStar  = "star"
	// Of shapes: KindOctreeCodes has the first and the last level of an octree. Split flags
	// of the levels from the first to above the last come first, then a code for each node
	// of the last. All nodes of the first level exist, and a node that splits has eight
	// children; where none of a level splits, the first does.
	KindOctreeCodes = "octree-codes"
	// KindPlanes has the number of planes and the sides of all scales. A scale has the tokens
	// of each plane, one plane behind the other.
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
	Source string            // path or URI of what was tokenized; may be empty
	Meta   map[string]string // anything else; nil when empty
}

// check reports why s cannot be written: an error wrapping [ErrSample].
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

// sizeBytes is what s takes in a row group before compression, about.
func (s *Sample) sizeBytes() int {
	n := len(s.ID) + len(s.Kind) + len(s.Source) + 4*len(s.Grid) + 8*len(s.Tokens) + 64
	for k, v := range s.Meta {
		n += len(k) + len(v) + 8
	}
	return n
}
