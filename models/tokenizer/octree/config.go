package octree

import (
	"cmp"
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// Errors a caller can branch on.
var (
	// ErrSample reports tokens that are not a sample of this family.
	ErrSample = errkind.New("bad_sample", "not an octree sample")
	// ErrDepth reports a depth the model was not made for.
	ErrDepth = errkind.New("depth", "depth out of the model's range")
)

const sub = surface.TokensPerCode

// Config describes a model of this family.
type Config struct {
	MinDepth int `json:"min_depth"` // depths of leaves the model was trained on
	MaxDepth int `json:"max_depth"`
	// Depth is that of requests that ask for none; 0 means MaxDepth.
	Depth int `json:"depth,omitempty"`
	// Classes are the names of the classes that a shape may be asked to be of. The first one
	// is any shape; nil: the model has no classes.
	Classes []string `json:"classes,omitempty"`
	// Together predicts many nodes at once, see order.Octree.
	Together bool `json:"together,omitempty"`
}

const maxClasses = 1 << 12

// Validate returns an error wrapping nn.ErrConfig, or nil.
func (c Config) Validate() error {
	if c.MinDepth < 1 || c.MaxDepth < c.MinDepth || c.MaxDepth > octree.MaxDepth {
		return fmt.Errorf("octree.Config: %w: depths %d to %d", nn.ErrConfig, c.MinDepth, c.MaxDepth)
	}
	if c.Depth != 0 && (c.Depth < c.MinDepth || c.Depth > c.MaxDepth) {
		return fmt.Errorf("octree.Config: %w: depth %d by default, of %d to %d", nn.ErrConfig, c.Depth, c.MinDepth, c.MaxDepth)
	}
	if len(c.Classes) == 1 || len(c.Classes) > maxClasses {
		return fmt.Errorf("octree.Config: %w: %d classes", nn.ErrConfig, len(c.Classes))
	}
	return nil
}

// Default returns the depth of requests that ask for none.
func (c Config) Default() int { return cmp.Or(c.Depth, c.MaxDepth) }

// CheckDepth returns an error wrapping [ErrDepth] if the model has no leaves at
// the depth.
func (c Config) CheckDepth(depth int) error {
	if depth < c.MinDepth || depth > c.MaxDepth {
		return fmt.Errorf("octree.CheckDepth: %w: %d, the model knows %d to %d", ErrDepth, depth, c.MinDepth, c.MaxDepth)
	}
	return nil
}

// Tokenize turns a mesh in the domain (see octree.Fit) into a sample of the given
// depth. Grid is [depth], and who knows a class of the shape may add its number, counted
// from 1; Tokens are the occupancy bytes of levels 0 to depth-1
// and the leaves' codes.
func Tokenize(id string, m *mesh.Mesh, depth int, e system.Extent) (shard.Sample, surface.Parts, error) {
	o, codes, parts, err := surface.Build(m, depth)
	if err != nil {
		return shard.Sample{}, parts, err
	}
	n := len(codes)
	for d := range depth {
		n += o.Len(d)
	}
	if err := e.CheckTokens(n); err != nil {
		return shard.Sample{}, parts, fmt.Errorf("octree.Tokenize: %w", err)
	}
	s := shard.Sample{ID: id, Kind: shard.KindOctree, Grid: []int32{int32(depth)}}
	for d := range depth {
		for _, b := range o.Occupancy(d) {
			s.Tokens = append(s.Tokens, int64(b))
		}
	}
	for _, c := range codes {
		s.Tokens = append(s.Tokens, int64(c.Bits()))
	}
	return s, parts, nil
}

// class returns the number of a sample's class, 0 if nobody knows it.
func class(s shard.Sample) int {
	if len(s.Grid) < 2 {
		return 0
	}
	return int(s.Grid[1])
}

// Parse checks a sample's tokens and returns its tree and codes.
func Parse(s shard.Sample) (*octree.Octree, []surface.Code, error) {
	if s.Kind != shard.KindOctree || len(s.Grid) < 1 || len(s.Grid) > 2 || s.Grid[0] < 1 || s.Grid[0] > octree.MaxDepth || class(s) < 0 {
		return nil, nil, fmt.Errorf("octree.Parse: %w: %q is %s %v", ErrSample, s.ID, s.Kind, s.Grid)
	}
	o, rest, err := grow(s.Tokens, int(s.Grid[0]))
	if err != nil {
		return nil, nil, fmt.Errorf("octree.Parse: %q: %w", s.ID, err)
	}
	if len(rest) != o.Len(o.Depth) {
		return nil, nil, fmt.Errorf("octree.Parse: %w: %q has %d codes for %d leaves", ErrSample, s.ID, len(rest), o.Len(o.Depth))
	}
	codes := make([]surface.Code, len(rest))
	for i, t := range rest {
		if t < 0 || t > 0xffffffff {
			return nil, nil, fmt.Errorf("octree.Parse: %w: %q code %d is %d", ErrSample, s.ID, i, t)
		}
		codes[i] = surface.FromBits(uint32(t))
	}
	return o, codes, nil
}

// grow builds a tree of the given depth from its occupancy bytes and returns
// what comes after them.
func grow(tokens []int64, depth int) (*octree.Octree, []int64, error) {
	o, err := octree.FromKeys(0, []octree.Key{0})
	if err != nil {
		return nil, nil, err
	}
	for d := range depth {
		n := o.Len(d)
		if len(tokens) < n {
			return nil, nil, fmt.Errorf("%w: level %d needs %d bytes, %d are left", ErrSample, d, n, len(tokens))
		}
		bytes := make([]byte, n)
		for i, t := range tokens[:n] {
			if t < 1 || t > 255 {
				return nil, nil, fmt.Errorf("%w: level %d byte %d is %d", ErrSample, d, i, t)
			}
			bytes[i] = byte(t)
		}
		if o, _, err = o.Grow(bytes); err != nil {
			return nil, nil, err
		}
		tokens = tokens[n:]
	}
	return o, tokens, nil
}
