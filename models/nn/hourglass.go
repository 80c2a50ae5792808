package nn

// Hourglass is a network of levels. A row of a level stands for several of the level before.
// A level has blocks before the next one and blocks behind it, and the last one has blocks
// before alone. All look at a condition. The rows of a level come from what the level before
// keeps, so levels run apart from each other, in stages of their own.
//
// Source: Nawrot et al., "Hierarchical Transformers Are More Efficient Language Models", 2021,
// arXiv:2110.13711; for meshes, Hao et al., "Meshtron: High-Fidelity, Artist-Like 3D Mesh
// Generation at Scale", 2024, arXiv:2412.09548.
type Hourglass struct {
	Levels []*Level
	// Condition records what blocks look at, from the input of its stage. Nil: the input.
	Condition func(g Graph, x *Value) *Value
}

// Level is one level of an hourglass.
type Level struct {
	Before, After Stack
	Down, Up      *Linear // to the next level, from rows side by side, and back; nil in the last
	Rows          int     // that a row of the next level stands for
}

// The stages of an hourglass. Clear keeps zeros in the places of rows before the first.
const (
	HourglassCondition = iota
	HourglassClear
	hourglassLevels
)

// HourglassBefore is the stage of a level's blocks before the next level, HourglassAfter of
// those behind it, and HourglassWhole of both: of rows that complete no row of the next level.
func HourglassBefore(level int) int { return hourglassLevels + 3*level }

// HourglassAfter is the stage of the blocks behind the next level, see [HourglassBefore].
func HourglassAfter(level int) int { return hourglassLevels + 3*level + 1 }

// HourglassWhole is the stage of all blocks of a level, see [HourglassBefore].
func HourglassWhole(level int) int { return hourglassLevels + 3*level + 2 }

// The recalls of rows: what their own level was before the next one, or of a level behind the
// first the rows that they stand for, of which it is the first; and what the next level says.
const (
	HourglassOwn = iota
	HourglassNext
	HourglassRecalls
)

// Forward implements system.Trunk.
func (h *Hourglass) Forward(g Graph, x *Value) *Value {
	stage := g.Stage()
	switch stage {
	case HourglassCondition:
		return h.condition(g, x)
	case HourglassClear:
		g.Keep(x)
		return x
	}
	level := (stage - hourglassLevels) / 3
	l, last := h.Levels[level], level == len(h.Levels)-1
	if stage == HourglassAfter(level) {
		x = g.Recall(HourglassOwn)
	} else {
		if level > 0 {
			before := h.Levels[level-1]
			x = before.Down.Forward(g, g.RecallSpan(HourglassOwn, before.Rows), ProductOptions{})
			g.Mark(before.Down.W.Names[0], x)
		}
		if x = l.Before.Forward(g, x); !last {
			g.Keep(x)
		}
	}
	if stage == HourglassBefore(level) {
		return x
	}
	if !last {
		x = l.After.Forward(g, g.Add(g.Recall(HourglassNext), x))
	}
	if level > 0 {
		up := h.Levels[level-1].Up
		wide := up.Forward(g, x, ProductOptions{})
		g.Mark(up.W.Names[0], wide)
		g.Keep(wide)
	}
	return x
}

// condition records keys and values of the condition for all blocks. A network that trains
// keeps the condition: a block has its keys and values itself.
func (h *Hourglass) condition(g Graph, x *Value) *Value {
	if h.Condition != nil {
		x = h.Condition(g, x)
	}
	d, ok := g.(*Inference)
	if !ok {
		g.Keep(x)
		return x
	}
	for _, l := range h.Levels {
		for _, b := range append(l.Before[:len(l.Before):len(l.Before)], l.After...) {
			b.Look.Shared.Write(d, x)
		}
	}
	return x
}
