package systems

import (
	"fmt"

	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// hourglass holds the sizes of a network of levels, of one width.
type hourglass struct {
	width, heads, hidden int
	rows                 []int    // of a level that a row of the next one stands for
	blocks               [][2]int // of each level, before the next one and behind it
	window               int      // rows of the first level that a row sees at most
	ring                 int      // places of its kept states
	length               int      // tokens of a sample at most
	condition            int      // rows at most
}

func (c *hourglass) check() error {
	in, group := within, order.HourglassGroup(c.rows)
	switch {
	case !in(c.width, 8, 1<<14) || !in(c.heads, 1, 1<<10) || c.width%(2*c.heads) != 0 || c.width/c.heads > attention.MaxHeadDim || !in(c.hidden, 2, 1<<17) || c.hidden%2 != 0:
		return fmt.Errorf("systems: %w: width %d, %d heads, hidden width %d", nn.ErrConfig, c.width, c.heads, c.hidden)
	case !in(c.length, group, 1<<22) || !in(c.window, group, 1<<20) || c.window%group != 0 || !in(c.condition, 1, 1<<16):
		return fmt.Errorf("systems: %w: %d tokens, a window of %d in groups of %d, %d rows of condition", nn.ErrConfig, c.length, c.window, group, c.condition)
	}
	for i, b := range c.blocks {
		if !in(b[0], 1, 256) || !in(b[1], 0, 256) || i < len(c.rows) && b[1] == 0 {
			return fmt.Errorf("systems: %w: %d and %d blocks in level %d", nn.ErrConfig, b[0], b[1], i)
		}
	}
	return nil
}

// hourglassStep is about the most rows of given tokens that are read in a step.
const hourglassStep = 64

// ringOf returns the places of a ring by which at least so many rows are read in a step.
func (c *hourglass) ringOf(rows int) int {
	group := order.HourglassGroup(c.rows)
	return (rows + 2*(group-1)) / group * group
}

// The groups of the cache: a level's, and the condition's.
const hourglassConditionGroup = 1

func hourglassGroup(level int) int {
	if level == 0 {
		return 0
	}
	return hourglassConditionGroup + level
}

// layout returns the extents of rows. The condition has no features yet.
func (c *hourglass) layout() system.Layout {
	windows := order.HourglassWindows(c.rows, c.window)
	l := system.Layout{
		Axes: order.HourglassAxes, Inputs: 1, Context: c.window, Length: c.length, Group: c.ring, Places: order.HourglassPlaces(c.rows, c.ring), State: c.width, Recalls: nn.HourglassRecalls,
		Caches: append([]int{c.condition}, windows[1:]...), GroupOf: make([]int, nn.HourglassWhole(len(c.rows))+1),
	}
	l.GroupOf[nn.HourglassCondition] = hourglassConditionGroup
	for level := range windows {
		for _, stage := range []int{nn.HourglassBefore(level), nn.HourglassAfter(level), nn.HourglassWhole(level)} {
			l.GroupOf[stage] = hourglassGroup(level)
		}
	}
	return l
}

// trunk declares the levels, each below the prefix of the one before and inner. Block declares
// a block of a group of the cache.
func (c *hourglass) trunk(p nn.Params, inner string, block func(p nn.Params, name string, group int) *nn.Block) *nn.Hourglass {
	h := &nn.Hourglass{}
	for level, n := range c.blocks {
		l := &nn.Level{}
		stack := func(part string, n int) (s nn.Stack) {
			for i := range n {
				s = append(s, block(p.In("%s.%d.", part, i), fmt.Sprintf("level%d.%s%d", level, part[:len(part)-len("_layer")], i), hourglassGroup(level)))
			}
			return s
		}
		l.Before, l.After = stack("pre_layer", n[0]), stack("post_layer", n[1])
		if level < len(c.rows) {
			l.Rows = c.rows[level]
			l.Down = p.Linear(c.width, l.Rows*c.width, nn.Init{Std: 0.02}, "downsample.proj")
			l.Up = p.Linear(l.Rows*c.width, c.width, nn.Init{Std: 0.02}, "upsample.proj")
		}
		h.Levels, p = append(h.Levels, l), p.In("%s", inner)
	}
	return h
}

// attend returns the attention of a block's rows to each other.
func (c *hourglass) attend(rope *nn.Rope, group int) nn.Attention {
	return nn.Attention{Heads: c.heads, HeadDim: c.width / c.heads, Rope: rope, Group: group}
}

// look declares what a block sees of a condition, whose rows are as wide as it is: queries of
// normed rows, and keys and values stacked or in one tensor.
func (c *hourglass) look(p nn.Params, name string, norm *nn.Norm, deep nn.Init, query, out string, keysValues ...string) *nn.Look {
	std := nn.Init{Std: 0.02}
	return &nn.Look{
		Name:  name,
		Query: &nn.Linear{W: p.Matrix(c.width, c.width, std, query).After(norm)},
		Out:   &nn.Linear{W: p.Matrix(c.width, c.width, deep, out)},
		Shared: &nn.Shared{
			KeysValues: p.Matrix(2*c.width, c.width, std, keysValues...), Attention: p.Attention(c.attend(nil, hourglassConditionGroup)), Length: order.HourglassLength,
		},
	}
}
