package cube

import (
	"fmt"
	"strconv"
	"strings"

	codec "github.com/morton-gen/morton/codecs/cube"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// ErrSample reports tokens that are not a sample of this family.
var ErrSample = errkind.New("bad_sample", "not a cube sample")

const maxGrid = 64

// Config describes a model of this family.
type Config struct {
	Size  int    `json:"size"`  // rows and columns of a frame
	Cell  [3]int `json:"cell"`  // frames, rows, columns of one token
	Group [3]int `json:"group"` // cells of a cube
	// Sets are those in which the cells of a cube are predicted: 1 (or 0), 4 or 16, see
	// codecs/cube.
	Sets int `json:"sets,omitempty"`
	// Around feeds the network the codes around the cell before in time too, see
	// order.Cubes.
	Around bool `json:"around,omitempty"`
	// Canvas gives the network a guess of each frame of cells too, see [Canvas].
	Canvas    bool      `json:"canvas,omitempty"`
	Rate      [2]int    `json:"rate"` // frames a second the model was trained on
	Tokenizer Tokenizer `json:"tokenizer"`
}

// Units are the cubes that a model predicts, and their sets. The codes of a tokenizer serve
// models of any.
type Units struct {
	Group [3]int
	Sets  int
}

// ParseUnits reads units such as 1x4x4 or, in four sets, 1x8x8/4: frames, rows and columns of
// cells. The error wraps nn.ErrConfig.
func ParseUnits(text string) (u Units, err error) {
	size, sets, divided := strings.Cut(text, "/")
	list := strings.Split(size, "x")
	numbers := append(list, sets)
	if !divided {
		numbers[len(list)] = "1"
	}
	to := []*int{&u.Group[0], &u.Group[1], &u.Group[2], &u.Sets}
	for i, x := range numbers {
		if len(list) != len(u.Group) {
			err = strconv.ErrSyntax
		}
		if err == nil {
			*to[i], err = strconv.Atoi(x)
		}
	}
	if err != nil {
		return Units{}, fmt.Errorf("cube.ParseUnits: %w: %q is not like 1x4x4 or 1x8x8/4", nn.ErrConfig, text)
	}
	return u, nil
}

// With returns the config with other units. Cubes of several frames of cells go without a
// canvas.
func (c Config) With(u Units) Config {
	c.Group, c.Sets, c.Canvas = u.Group, u.Sets, c.Canvas && u.Group[0] == 1
	return c
}

// Validate returns an error wrapping nn.ErrConfig, or nil.
func (c Config) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("cube.Config: %w: %s", nn.ErrConfig, fmt.Sprintf(format, args...))
	}
	for i, x := range c.Cell {
		if x < 1 || x > 64 || c.Group[i] < 1 || c.Group[i] > 16 {
			return bad("cell %v, group %v", c.Cell, c.Group)
		}
	}
	if c.Size < 1 || c.Size > 1024 || c.Size%(c.Cell[1]*c.Group[1]) != 0 || c.Size%(c.Cell[2]*c.Group[2]) != 0 || max(c.gridH(), c.gridW()) > maxGrid {
		return bad("size %d with cells %v in groups %v", c.Size, c.Cell, c.Group)
	}
	if !c.Groups().Valid() {
		return bad("%d sets of cubes of %v cells", c.Sets, c.Group)
	}
	if c.Canvas && (c.Tokenizer.Conv == nil && c.Tokenizer.Motion == nil || c.Group[0] != 1) {
		return bad("a canvas for groups of %d frames of cells, which are no more than one and of a tokenizer with coordinates", c.Group[0])
	}
	if c.Rate[0] < 1 || c.Rate[1] < 1 {
		return bad("rate %v", c.Rate)
	}
	return c.Tokenizer.validate(c)
}

// gridH and gridW are the cells of a frame; frames is the frames of a row of cubes.
func (c Config) gridH() int { return c.Size / c.Cell[1] }
func (c Config) gridW() int { return c.Size / c.Cell[2] }

// FramesPerCube is the number of frames that cubes come in.
func (c Config) FramesPerCube() int { return c.Cell[0] * c.Group[0] }

func (c Config) words() int { return (c.Tokenizer.Bits + 31) / 32 }

// Groups orders the cells of a grid by their cubes. A position is a cell's number there.
func (c Config) Groups() codec.Groups {
	return codec.Groups{H: c.gridH(), W: c.gridW(), Size: codec.Size{T: c.Group[0], H: c.Group[1], W: c.Group[2]}, Sets: c.Sets}
}

// Lay returns the tokens of a sample's positions, and the prompt of a request that draws
// all of them. A sample's Grid is [t, h, w, words] and its Tokens the codes of the cells
// in raster order, 32 bits a token. The error wraps [ErrSample].
func (c Config) Lay(s shard.Sample) (system.Prompt, []uint32, error) {
	t, err := c.checkSample(s)
	if err != nil {
		return system.Prompt{}, nil, err
	}
	tokens, err := c.order(s)
	return system.Prompt{Frames: t * c.Cell[0]}, tokens, err
}

func (c Config) checkSample(s shard.Sample) (t int, err error) {
	if s.Kind != shard.KindCube || len(s.Grid) != 4 || int(s.Grid[1]) != c.gridH() || int(s.Grid[2]) != c.gridW() || int(s.Grid[3]) != c.words() {
		return 0, fmt.Errorf("cube: %w: %q is %s %v, want [t %d %d %d]", ErrSample, s.ID, s.Kind, s.Grid, c.gridH(), c.gridW(), c.words())
	}
	t = int(s.Grid[0])
	if t < 1 || t > 1<<20 || t%c.Group[0] != 0 || len(s.Tokens) != t*c.gridH()*c.gridW()*c.words() {
		return 0, fmt.Errorf("cube: %w: %q has %d tokens for grid %v in cubes of %v", ErrSample, s.ID, len(s.Tokens), s.Grid, c.Group)
	}
	return t, nil
}

// order returns a sample's words in the order of positions.
func (c Config) order(s shard.Sample) ([]uint32, error) {
	words, groups := c.words(), c.Groups()
	out := make([]uint32, len(s.Tokens))
	for p := range len(s.Tokens) / words {
		from := groups.Raster(p) * words
		for i := range words {
			x := s.Tokens[from+i]
			if x < 0 || x > 0xffffffff {
				return nil, fmt.Errorf("cube: %w: %q token %d is %d", ErrSample, s.ID, from+i, x)
			}
			out[p*words+i] = uint32(x)
		}
	}
	return out, nil
}

// Sample turns words in the order of positions back into a sample.
func (c Config) Sample(id string, tokens []uint32) (shard.Sample, error) {
	words, groups := c.words(), c.Groups()
	per := c.gridH() * c.gridW() * words
	if len(tokens) == 0 || len(tokens)%(per*c.Group[0]) != 0 {
		return shard.Sample{}, fmt.Errorf("cube.Sample: %w: %d words, a row of cubes has %d", ErrSample, len(tokens), per*c.Group[0])
	}
	s := shard.Sample{
		ID: id, Kind: shard.KindCube, Tokens: make([]int64, len(tokens)),
		Grid: []int32{int32(len(tokens) / per), int32(c.gridH()), int32(c.gridW()), int32(words)},
	}
	for p := range len(tokens) / words {
		to := groups.Raster(p) * words
		for i := range words {
			s.Tokens[to+i] = int64(tokens[p*words+i])
		}
	}
	return s, nil
}
