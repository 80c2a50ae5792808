package systems

import (
	"fmt"
	"math"
	"strconv"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// classed returns a prompt of the class in a sample's metadata, 0 without one.
func classed(s shard.Sample) (p system.Prompt, err error) {
	if text, ok := s.Meta["class"]; ok {
		if p.Class, err = strconv.Atoi(text); err != nil {
			return p, fmt.Errorf("systems: %w: %q: class %q", shard.ErrSample, s.ID, text)
		}
	}
	return p, nil
}

// indices returns the tokens of a sample, each below so many values.
func indices(s shard.Sample, values int) (tokens []uint32, err error) {
	for _, x := range s.Tokens {
		if x < 0 || x >= int64(values) {
			return nil, fmt.Errorf("systems: %w: %q: token %d of %d", shard.ErrSample, s.ID, x, values)
		}
		tokens = append(tokens, uint32(x))
	}
	return tokens, nil
}

// numbers returns the tokens of a sample that are the bits of finite numbers.
func numbers(s shard.Sample) (tokens []uint32, err error) {
	for i, x := range s.Tokens {
		y := float64(math.Float32frombits(uint32(x)))
		if x < 0 || x > math.MaxUint32 || math.IsNaN(y) || math.IsInf(y, 0) {
			return nil, fmt.Errorf("systems: %w: %q: number %d is %d, no bits of a finite one", shard.ErrSample, s.ID, i, x)
		}
		tokens = append(tokens, uint32(x))
	}
	return tokens, nil
}

// clipOf returns the frames of a sample of real numbers and its tokens. A grid has frames at
// most, rows and columns.
func clipOf(s shard.Sample, grid [3]int, token int) (frames int, tokens []uint32, err error) {
	g := s.Grid
	if s.Kind != shard.KindVAE3D || len(g) != 4 || !within(int(g[0]), 1, grid[0]) || int(g[1]) != grid[1] || int(g[2]) != grid[2] || int(g[3]) != token ||
		len(s.Tokens) != int(g[0])*grid[1]*grid[2]*token {
		return 0, nil, fmt.Errorf("systems: %w: %q is %s %v with %d numbers, want %s of up to %d frames of %d by %d tokens of %d",
			shard.ErrSample, s.ID, s.Kind, g, len(s.Tokens), shard.KindVAE3D, grid[0], grid[1], grid[2], token)
	}
	tokens, err = numbers(s)
	return int(g[0]), tokens, err
}

// classedClip is [clipOf] of a sample with a class in its metadata.
func classedClip(s shard.Sample, grid [3]int, token int) (p system.Prompt, tokens []uint32, err error) {
	if p, err = classed(s); err != nil {
		return p, nil, err
	}
	p.Frames, tokens, err = clipOf(s, grid, token)
	return p, tokens, err
}

// shapesOf are shapes of tensors without values: those of a network that is to be trained.
// A description tells them.
type shapesOf map[string][]int

// Names implements nn.Weights.
func (s shapesOf) Names() (out []string) {
	for name := range s {
		out = append(out, name)
	}
	return out
}

// Shape implements nn.Weights.
func (s shapesOf) Shape(name string) ([]int, bool) {
	shape, ok := s[name]
	return shape, ok
}

// Floats implements nn.Weights.
func (s shapesOf) Floats(name string) ([]float32, error) {
	return nil, fmt.Errorf("systems: %w: %s has no values yet", nn.ErrWeights, name)
}
