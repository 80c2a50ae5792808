package order

import (
	"io"

	"github.com/morton-gen/morton/models/system"
)

// Fixed is a schedule that does not depend on what is drawn.
func Fixed(runs ...system.Run) system.Schedule { return &fixed{runs} }

type fixed struct{ runs []system.Run }

// Next implements system.Schedule.
func (f *fixed) Next([]uint32) (system.Run, error) {
	if len(f.runs) == 0 {
		return system.Run{}, io.EOF
	}
	r := f.runs[0]
	f.runs = f.runs[1:]
	return r, nil
}

// IgnoresTokens reports that Next ignores the tokens. The engine then does not read them.
func (f *fixed) IgnoresTokens() bool { return true }

// Grow is a schedule of some runs, followed by those that more returns. It calls more
// with all tokens so far, until more returns none.
func Grow(more func(tokens []uint32) ([]system.Run, error), runs ...system.Run) system.Schedule {
	return &growing{fixed{runs}, more}
}

type growing struct {
	fixed
	more func(tokens []uint32) ([]system.Run, error)
}

// Next implements system.Schedule.
func (g *growing) Next(tokens []uint32) (system.Run, error) {
	if len(g.runs) == 0 {
		var err error
		if g.runs, err = g.more(tokens); err != nil {
			return system.Run{}, err
		}
	}
	return g.fixed.Next(nil)
}

// IgnoresTokens reports whether Next has a run at hand. Only more needs the tokens.
func (g *growing) IgnoresTokens() bool { return len(g.runs) > 0 }
