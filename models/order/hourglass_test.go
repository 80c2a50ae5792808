package order

import (
	"errors"
	"io"
	"testing"

	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// hourglassRun plays the runs of a schedule. It checks that every row of every level runs once
// and in order, that it stands for the right rows of the level before, hears the right row of
// the next level, and sees the last rows of its window.
type hourglassRun struct {
	*testing.T
	h      Hourglass
	next   []int                    // row of each level that comes next, before the next level and behind it
	states map[int32]map[string]int // by place: what is kept there, by level and part
	slots  []map[int32]int          // of the cache, by level
	asked  []int32
	runs   int
	// submits are runs that come one by one.
	submits int
}

func (c *hourglassRun) keep(place int32, what string, row int) {
	c.states[place] = map[string]int{what: row}
}

func (c *hourglassRun) kept(place int32, what string, row int) {
	c.Helper()
	if got, ok := c.states[place][what]; !ok || got != row {
		c.Fatalf("%s%d: place %d has %v", what, row, place, c.states[place])
	}
}

func (c *hourglassRun) run(r system.Run) {
	c.runs++
	levels := len(c.h.Rows) + 1
	if r.Stage == nn.HourglassClear {
		i := 0
		for level, k := range c.h.Rows {
			for q := 1 - k; q < 0; q++ {
				c.keep(r.Keep[i], []string{"a", "b"}[level], q)
				i++
			}
		}
		return
	}
	for level := range levels {
		for part, stage := range []int{nn.HourglassBefore(level), nn.HourglassAfter(level), nn.HourglassWhole(level)} {
			if r.Stage == stage {
				for i := range r.N {
					c.row(&r, level, part, i)
				}
			}
		}
	}
	for i, at := range r.Targets.At {
		row := r.Targets.From[i] + int32(i/r.GroupTargets*r.Group)
		if c.asked = append(c.asked, at); r.Axes[2*row] != at {
			c.Fatalf("token %d comes from row %d", at, r.Axes[2*row])
		}
	}
}

func (c *hourglassRun) row(r *system.Run, level, part, i int) {
	c.Helper()
	q, last := int(r.Axes[2*i]), level == len(c.h.Rows)
	own, next := []string{"a", "b", ""}[level], []string{"A", "B", ""}[level]
	before, after := part != 1, part != 0 && !last
	if before {
		if c.next[2*level] != q {
			c.Fatalf("row %d of level %d comes before row %d", q, level, c.next[2*level])
		}
		c.next[2*level]++
		c.slots[level][r.Slot[i]] = q
		if level > 0 {
			k := c.h.Rows[level-1]
			for j := range k {
				c.kept(r.Recall[2*i]+int32(j), []string{"a", "b"}[level-1], k*q-k+1+j)
			}
		}
		if !last {
			place := r.Keep[i]
			if part == 2 && level > 0 {
				c.Fatal("a row of a further level keeps two things")
			}
			c.keep(place, own, q)
		}
	}
	if after {
		if c.next[2*level+1] != q {
			c.Fatalf("row %d of level %d comes back before row %d", q, level, c.next[2*level+1])
		}
		c.next[2*level+1]++
		if part == 1 {
			c.kept(r.Recall[2*i], own, q)
		}
		c.kept(r.Recall[2*i+1], next, q)
	}
	if level > 0 && (after || last) {
		k := c.h.Rows[level-1]
		for j := range k {
			c.keep(r.Keep[i]+int32(j), []string{"A", "B"}[level-1], k*q+j)
		}
	}
	window := HourglassWindows(c.h.Rows, c.h.Window)[level]
	seen := map[int]bool{}
	for slot := range r.KVLen[i] {
		seen[c.slots[level][slot]] = true
	}
	for p := max(0, q-window+1); p <= q; p++ {
		// Rows of one step are written before any of them looks.
		if !seen[p] && p <= q-i {
			c.Fatalf("row %d of level %d does not see row %d", q, level, p)
		}
	}
	if len(seen) > window {
		c.Fatalf("row %d of level %d sees %d rows", q, level, len(seen))
	}
	if r.Axes[2*i+1] != int32(c.h.Condition) {
		c.Fatalf("a row sees %d rows of the condition", r.Axes[2*i+1])
	}
}

func TestHourglass(t *testing.T) {
	for _, rows := range [][]int{{3, 3}, {3, 4}, {2}} {
		group := HourglassGroup(rows)
		for _, given := range []int{0, 1, 2, group, group + 1, 4*group + 2} {
			for _, ring := range []int{group, 2 * group, 5 * group} {
				h := Hourglass{Rows: rows, Window: 3 * group, Ring: ring, Condition: 7, N: 7*group + 4, Given: given, First: system.Start, Fixed: 2}
				c := &hourglassRun{T: t, h: h, next: make([]int, 2*len(rows)+2), states: map[int32]map[string]int{}}
				for range len(rows) + 1 {
					c.slots = append(c.slots, map[int32]int{})
				}
				s, err := h.Schedule()
				if err != nil {
					t.Fatal(err)
				}
				for {
					r, err := s.Next(nil)
					if errors.Is(err, io.EOF) {
						break
					}
					for _, r := range r.Each() {
						c.run(r)
					}
					c.submits++
					if len(r.Fixed) != 2*r.N || len(r.Inputs) != r.N || len(r.Keep) != r.N || len(r.Recall) != 2*r.N || r.N%r.Group != 0 {
						t.Fatalf("columns of %d, %d, %d and %d for %d rows in groups of %d", len(r.Fixed), len(r.Inputs), len(r.Keep), len(r.Recall), r.N, r.Group)
					}
					if places := HourglassPlaces(rows, ring); r.Keep[r.N-1] >= int32(places) || r.Group > ring {
						t.Fatalf("place %d of %d, a step of %d rows of %d", r.Keep[r.N-1], places, r.Group, ring)
					}
				}
				if len(c.asked) != h.N-given || c.asked[0] != int32(given) || c.next[1] != h.N {
					t.Errorf("%v: %d tokens are asked for from %d on, %d rows run, want %d from %d", rows, len(c.asked), c.asked[0], c.next[1], h.N-given, given)
				}
				for level, k := range rows {
					if want := (c.next[2*level] + k - 1) / k; c.next[2*level+2] != want {
						t.Errorf("%v: level %d has %d rows, want %d", rows, level+1, c.next[2*level+2], want)
					}
				}
				// Of 88 tokens 8 run three levels in 5 runs, 22 two in 4, and the others by two in one.
				// Those of one token go together.
				if want := 1 + 8*5 + 22*4 + 29; len(rows) == 2 && rows[1] == 4 && given == 0 && (c.runs != want || c.submits != 1+8+22+29) {
					t.Errorf("%d runs in %d, want %d", c.runs, c.submits, want)
				}
			}
		}
	}
}

func TestHourglassRefuses(t *testing.T) {
	ok := Hourglass{Rows: []int{3, 4}, Window: 24, Ring: 12, N: 12}
	for name, change := range map[string]func(*Hourglass){
		"nothing":     func(h *Hourglass) { h.N = 0 },
		"given":       func(h *Hourglass) { h.Given = 13 },
		"odd window":  func(h *Hourglass) { h.Window = 25 },
		"small ring":  func(h *Hourglass) { h.Ring = 6 },
		"no window":   func(h *Hourglass) { h.Window = 0 },
		"given below": func(h *Hourglass) { h.Given = -1 },
	} {
		h := ok
		change(&h)
		if _, err := h.Schedule(); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
