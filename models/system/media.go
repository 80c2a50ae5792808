package system

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
)

// Kinds of media, as commands name them.
const (
	Video = "video"
	Image = "image"
	Shape = "shape"
	Quads = "quads"
	Rig   = "rig"
)

// Media is a clip, a picture, a mesh, a rig, or features of a shape. The zero value is nothing.
type Media struct {
	Clip    *clip.Clip
	Picture *picture.Picture
	Mesh    *mesh.Mesh
	Planes  *Planes
	Rig     *rig.Rig
}

// Planes are features of a shape on planes, of which another program makes a surface.
type Planes struct {
	N, H, W, C int // planes, rows, columns, and numbers at a place
	X          []float32
}

// Measures are numbers about a sample, by the names that reports show.
type Measures map[string]float64

// Format says what media a system takes and gives. Fields of other kinds are zero.
type Format struct {
	H, W   int       // clip: rows and columns of a frame; picture: of one whose tokens have no places
	Rate   clip.Rate // clip: frames a second that the system was trained on
	Frames int       // clip: prefixes and results come in multiples of so many
	Side   int       // picture: rows and columns of pixels that a token stands for
	Depth  int       // mesh: levels of an octree at most
	Faces  int       // mesh: faces that three in four training samples had at most
}

// Extent says how much of a medium a request gives and asks for. A zero leaves it to the
// system. A tokenizer reads the fields of its own kind.
type Extent struct {
	Prefix      int // clip: frames that were asked to be given
	Frames      int // clip: frames to add
	PrefixDepth int // mesh: octree levels that are given
	Depth       int // mesh: level of an octree's leaves
	Faces       int // mesh: faces at most
	// Quads is the share of the faces that are to have four corners, above 0; 0 leaves it to the system.
	Quads float32

	Coding string // mesh, to encode: how faces become tokens; "" means the model's own

	// Tokens is the most tokens of a sample that is encoded, and the most that are drawn;
	// 0 means as many as a sample and the system may have.
	Tokens int
}

// CheckTokens returns an error wrapping [ErrLimit], which names the flag, if a sample of n
// tokens is over the limit.
func (e Extent) CheckTokens(n int) error {
	if e.Tokens > 0 && n > e.Tokens {
		return fmt.Errorf("%w of %d tokens: the sample has %d and more (--max-tokens sets it)", ErrLimit, e.Tokens, n)
	}
	if n > shard.MaxTokens {
		return fmt.Errorf("%w: %d tokens, a sample has at most %d", shard.ErrLimit, n, shard.MaxTokens)
	}
	return nil
}

// Tokenizer turns media into samples and back. Safe for concurrent use.
type Tokenizer interface {
	// Encode turns media into a sample. Errors are those of its kind of media.
	Encode(id string, m Media, e Extent) (shard.Sample, Measures, error)
	// Decode turns a sample back into media. The error wraps shard.ErrSample or the
	// tokenizer's own.
	Decode(s shard.Sample) (Media, Measures, error)
	// Begin says what a request starts from. A request from nothing has no media.
	Begin(id string, m Media, e Extent) (*Beginning, error)
	// Close frees what the tokenizer holds. Later calls fail with [ErrClosed].
	Close()
}

// Beginning is what one request starts from.
type Beginning struct {
	Prompt Prompt
	Given  int      // frames of the result that were given
	Notes  []string // for people, where it is not what was asked for
	// Finish turns the tokens of all positions into the result.
	Finish func(tokens []uint32) (Media, shard.Sample, Measures, error)
}
