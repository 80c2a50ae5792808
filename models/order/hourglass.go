package order

import (
	"fmt"
	"io"

	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Hourglass is raster order for a network of levels, see [nn.Hourglass]. Row p of the first
// level is fed token p-1, and predicts token p. Row j of a level stands for rows k·j-k+1 to
// k·j of the level before, with k rows each, and says something to rows k·j to k·j+k-1. So it
// runs when the last row that it stands for has run, and a token runs as many levels as it
// completes. Between steps, hidden states wait in rings of places.
//
// Beyond its window a row replaces the keys of the oldest row of its level. So generation
// rolls on in bounded memory.
type Hourglass struct {
	Rows   []int // of a level that a row of the next one stands for, for all levels but the last
	Window int   // rows of the first level that a row sees at most; a multiple of the rows of a whole group
	Ring   int   // places of the first level; a multiple of the rows of a whole group
	// Read are the runs that read the condition, and Condition is the number of its rows.
	Read      []system.Run
	Condition int
	N, Given  int // tokens, and those of them that are given
	// Base is the position of the first token. Its row is fed the token of position First,
	// system.Start or system.Nothing.
	Base  int
	First int32
	Fixed int // columns of fixed ids
	// Row appends the fixed ids of row p. Nil means none. Range returns the tokens that it may
	// predict, lo <= t < hi. Nil means all.
	Row   func(to []int32, p int) []int32
	Range func(p int) (lo, hi int32)
}

// HourglassAxes are the axes of a row: its number in its level, and the rows of the condition,
// which is no rotary position.
const (
	HourglassAxes   = 2
	HourglassLength = 1
)

// HourglassGroup is the number of the first level's rows in one of the last.
func HourglassGroup(rows []int) int {
	n := 1
	for _, k := range rows {
		n *= k
	}
	return n
}

// HourglassPlaces is the number of places of kept states for a ring of the first level.
func HourglassPlaces(rows []int, ring int) (n int) {
	for _, k := range rows {
		n, ring = n+2*ring, ring/k
	}
	return n
}

// HourglassWindows are the windows of the levels, for one of the first.
func HourglassWindows(rows []int, window int) []int {
	out := []int{window}
	for _, k := range rows {
		window /= k
		out = append(out, window)
	}
	return out
}

// Schedule returns the runs. The error wraps system.ErrPrompt.
func (h Hourglass) Schedule() (system.Schedule, error) {
	if group := HourglassGroup(h.Rows); h.Given < 0 || h.Given > h.N || h.N < 1 || h.Window < group || h.Window%group != 0 || h.Ring < group || h.Ring%group != 0 {
		return nil, fmt.Errorf("order.Hourglass: %w: %d tokens given of %d, a window of %d and a ring of %d rows in groups of %d", system.ErrPrompt, h.Given, h.N, h.Window, h.Ring, group)
	}
	return &hourglass{Hourglass: h, runs: append(h.Read[:len(h.Read):len(h.Read)], h.clear())}, nil
}

type hourglass struct {
	Hourglass
	runs []system.Run
	next int // row of the first level
}

// IgnoresTokens says that Next ignores the tokens.
func (h *hourglass) IgnoresTokens() bool { return true }

// Next implements system.Schedule.
func (h *hourglass) Next([]uint32) (system.Run, error) {
	if len(h.runs) == 0 {
		if h.next >= h.N {
			return system.Run{}, io.EOF
		}
		to := h.stretch()
		if h.runs = h.Step(h.next, to); to == h.next+1 { // levels of one token go together
			last := len(h.runs) - 1
			h.runs[last].Before = h.runs[:last:last]
			h.runs = h.runs[last:]
		}
		h.next = to
	}
	r := h.runs[0]
	h.runs = h.runs[1:]
	return r, nil
}

// stretch returns where the next step ends. Given tokens are read in steps as long as the rings
// allow, up to the window. Others come one by one, or those between two rows of the next level.
func (h *hourglass) stretch() int {
	p := h.next
	if p < min(h.Given, h.Window) {
		return min(p+h.Ring-HourglassGroup(h.Rows)+1, h.Given, h.Window)
	}
	if k := h.Rows[0]; p >= h.Given && p%k != 0 {
		return min(p+k-p%k, h.N)
	}
	return p + 1
}

// Step returns the runs of rows [from, to) of the first level, and of the rows of further
// levels that they complete. Rows that complete none run one by one.
func (h *Hourglass) Step(from, to int) []system.Run {
	if k := h.Rows[0]; from >= h.Given && from%k != 0 && to <= from+k-from%k {
		r := h.level(0, from, to, nn.HourglassWhole(0))
		r.Group, r.GroupTargets = 1, 1
		return []system.Run{r}
	}
	return h.down(0, from, to)
}

// down returns the runs of rows [from, to) of a level, with those of the levels behind it.
func (h *Hourglass) down(level, from, to int) []system.Run {
	if level == len(h.Rows) {
		return []system.Run{h.level(level, from, to, nn.HourglassWhole(level))}
	}
	k := h.Rows[level]
	runs := []system.Run{h.level(level, from, to, nn.HourglassBefore(level))}
	if lo, hi := (from+k-1)/k, (to+k-1)/k; hi > lo {
		runs = append(runs, h.down(level+1, lo, hi)...)
	}
	return append(runs, h.level(level, from, to, nn.HourglassAfter(level)))
}

// level returns the run of rows [from, to) of a level, in one step.
func (h *Hourglass) level(level, from, to, stage int) system.Run {
	last := level == len(h.Rows)
	r := system.Run{Stage: stage, Group: to - from}
	r.N = to - from
	window := HourglassWindows(h.Rows, h.Window)[level]
	asks := level == 0 && stage != nn.HourglassBefore(0)
	for q := from; q < to; q++ {
		r.Axes, r.Slot, r.KVLen = append(r.Axes, int32(q), int32(h.Condition)), append(r.Slot, int32(q%window)), append(r.KVLen, int32(min(q+1, window)))
		own, next, keep := int32(-1), int32(-1), int32(-1)
		if !last {
			own, next = h.before(level, q), h.after(level, q)
			keep = own
		}
		if level > 0 {
			if stage != nn.HourglassAfter(level) {
				own = h.before(level-1, q*h.Rows[level-1]) - int32(h.Rows[level-1]-1)
			}
			if stage != nn.HourglassBefore(level) {
				keep = h.after(level-1, q*h.Rows[level-1])
			}
		} else if stage == nn.HourglassAfter(0) {
			keep = -1
		}
		r.Recall, r.Keep = append(r.Recall, own, next), append(r.Keep, keep)
		h.feed(&r, level, q)
		if asks && q >= h.Given {
			h.ask(&r, q, q-from)
		}
	}
	if asks {
		r.GroupTargets = r.Targets.N
	}
	return r
}

// feed appends what stands at a row.
func (h *Hourglass) feed(r *system.Run, level, q int) {
	n, fed := len(r.Fixed), int32(system.Nothing)
	if level == 0 {
		if fed = h.First; q > 0 {
			fed = int32(h.Base + q - 1)
		}
		if h.Row != nil {
			r.Fixed = h.Row(r.Fixed, q)
		}
	}
	for len(r.Fixed) < n+h.Fixed {
		r.Fixed = append(r.Fixed, -1)
	}
	r.Inputs = append(r.Inputs, fed)
}

// ask appends the target of row p, which is so far behind the first of its run.
func (h *Hourglass) ask(r *system.Run, p, at int) {
	t := &r.Targets
	t.N, t.At = t.N+1, append(t.At, int32(h.Base+p))
	if h.Range != nil {
		lo, hi := h.Range(p)
		t.TokenRange = append(t.TokenRange, lo, hi)
	}
	if r.Stage == nn.HourglassWhole(0) {
		at = 0 // of a step of its own
	}
	t.From = append(t.From, int32(at))
}

// before is the place of what a row was before the next level. The rows that one of the next
// level stands for have consecutive places.
func (h *Hourglass) before(level, q int) int32 {
	first, ring := h.ring(level)
	return int32(first + (q+h.Rows[level]-1)%ring)
}

// after is the place of what the next level says to a row.
func (h *Hourglass) after(level, q int) int32 {
	first, ring := h.ring(level)
	return int32(first + ring + q%ring)
}

// ring returns the first place of a level and the number of places of each of its two rings.
func (h *Hourglass) ring(level int) (first, places int) {
	places = h.Ring
	for _, k := range h.Rows[:level] {
		first, places = first+2*places, places/k
	}
	return first, places
}

// clear keeps zeros in the places of rows before the first of each level.
func (h *Hourglass) clear() system.Run {
	r := system.Run{Stage: nn.HourglassClear}
	for level, k := range h.Rows {
		first, _ := h.ring(level)
		for i := range k - 1 {
			r.N++
			r.Keep, r.Recall, r.Slot, r.KVLen, r.Axes = append(r.Keep, int32(first+i)), append(r.Recall, -1, -1), append(r.Slot, -1), append(r.KVLen, 0), append(r.Axes, 0, 0)
			h.feed(&r, len(h.Rows), 0)
		}
	}
	r.Group = r.N
	return r
}
