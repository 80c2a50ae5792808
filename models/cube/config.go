package cube

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/transformer"
)

// ErrSample reports tokens that are not a sample of this family.
var ErrSample = errkind.New("bad_sample", "not a cube sample")

const (
	fed       = 3 // cells before in time, to the left, above
	axes      = 3
	staticIDs = 3 // place in the cube, row, column
	maxGrid   = 64
)

// Config describes a model of this family.
type Config struct {
	Size      int       `json:"size"`  // rows and columns of a frame
	Cell      [3]int    `json:"cell"`  // frames, rows, columns of one token
	Group     [3]int    `json:"group"` // cells of a cube, predicted together
	Rate      [2]int    `json:"rate"`  // frames a second the model was trained on
	Tokenizer Tokenizer `json:"tokenizer"`
}

// Validate returns an error wrapping transformer.ErrConfig, or nil.
func (c Config) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("cube.Config: %w: %s", transformer.ErrConfig, fmt.Sprintf(format, args...))
	}
	for i, x := range c.Cell {
		if x < 1 || x > 64 || c.Group[i] < 1 || c.Group[i] > 16 {
			return bad("cell %v, group %v", c.Cell, c.Group)
		}
	}
	if c.Size < 1 || c.Size > 1024 || c.Size%(c.Cell[1]*c.Group[1]) != 0 || c.Size%(c.Cell[2]*c.Group[2]) != 0 || max(c.gridH(), c.gridW()) > maxGrid {
		return bad("size %d with cells %v in groups %v", c.Size, c.Cell, c.Group)
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

// Network fills in what this family decides of a network's description.
func (c Config) Network(n transformer.Config) transformer.Config {
	n.Static, n.StaticRows, n.Fed, n.Sub, n.Vocab = staticIDs, c.groupCells()+c.gridH()+c.gridW(), fed, 0, 0
	n.Bits, n.Group = c.Tokenizer.Bits, c.groupCells()
	third := n.HeadDim() / 6
	n.RopePairs = []int{n.HeadDim()/2 - 2*third, third, third}
	return n
}

func (c Config) groupCells() int { return c.Group[0] * c.Group[1] * c.Group[2] }

func (c Config) words() int { return (c.Tokenizer.Bits + 31) / 32 }

// cell returns the cell of a position: cubes in raster order, cells in raster
// order in a cube.
func (c Config) cell(p int) (t, h, w int) {
	g, slot := p/c.groupCells(), p%c.groupCells()
	gh, gw := c.gridH()/c.Group[1], c.gridW()/c.Group[2]
	t = g/(gh*gw)*c.Group[0] + slot/(c.Group[1]*c.Group[2])
	h = g/gw%gh*c.Group[1] + slot/c.Group[2]%c.Group[1]
	w = g%gw*c.Group[2] + slot%c.Group[2]
	return t, h, w
}

// position inverts cell; -1 for a cell outside the frame or before the first.
func (c Config) position(t, h, w int) int32 {
	if t < 0 || h < 0 || w < 0 || h >= c.gridH() || w >= c.gridW() {
		return -1
	}
	gh, gw := c.gridH()/c.Group[1], c.gridW()/c.Group[2]
	g := (t/c.Group[0]*gh+h/c.Group[1])*gw + w/c.Group[2]
	slot := (t%c.Group[0]*c.Group[1]+h%c.Group[1])*c.Group[2] + w%c.Group[2]
	return int32(g*c.groupCells() + slot)
}

// Plan lays out the positions of t rows of cells; t is a multiple of Group[0].
func (c Config) Plan(t int) *transformer.Sequence {
	n := t * c.gridH() * c.gridW()
	out := &transformer.Sequence{}
	out.N = n
	cells := c.groupCells()
	for p := range n {
		ct, ch, cw := c.cell(p)
		out.Fixed = append(out.Fixed, int32(p%cells), int32(cells+ch), int32(cells+c.gridH()+cw))
		out.Fed = append(out.Fed,
			c.position(ct/c.Group[0]*c.Group[0]-1, ch, cw),
			c.position(ct, ch, cw/c.Group[2]*c.Group[2]-1),
			c.position(ct, ch/c.Group[1]*c.Group[1]-1, cw))
		out.Axes = append(out.Axes, int32(ct), int32(ch), int32(cw))
		out.Sees, out.Allow = append(out.Sees, int32((p/cells+1)*cells)), append(out.Allow, 0, 1)
	}
	return out
}

// Sequence lays a sample out for the network. Its Grid is [t, h, w, words] and
// its Tokens the codes of the cells in raster order, 32 bits a token.
func (c Config) Sequence(s shard.Sample) (*transformer.Sequence, error) {
	t, err := c.checkSample(s)
	if err != nil {
		return nil, err
	}
	out := c.Plan(t)
	out.Tokens, err = c.order(s)
	return out, err
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
	words := c.words()
	out := make([]uint32, len(s.Tokens))
	for p := range len(s.Tokens) / words {
		t, h, w := c.cell(p)
		from := ((t*c.gridH()+h)*c.gridW() + w) * words
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
	words := c.words()
	per := c.gridH() * c.gridW() * words
	if len(tokens) == 0 || len(tokens)%(per*c.Group[0]) != 0 {
		return shard.Sample{}, fmt.Errorf("cube.Sample: %w: %d words, a row of cubes has %d", ErrSample, len(tokens), per*c.Group[0])
	}
	s := shard.Sample{
		ID: id, Kind: shard.KindCube, Tokens: make([]int64, len(tokens)),
		Grid: []int32{int32(len(tokens) / per), int32(c.gridH()), int32(c.gridW()), int32(words)},
	}
	for p := range len(tokens) / words {
		t, h, w := c.cell(p)
		to := ((t*c.gridH()+h)*c.gridW() + w) * words
		for i := range words {
			s.Tokens[to+i] = int64(tokens[p*words+i])
		}
	}
	return s, nil
}
