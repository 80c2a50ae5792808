package engine

import (
	"testing"

	"github.com/morton-gen/morton/gpu/ops/step"
)

// groupsOf are sequences of so many rows each, with as many targets.
func groupsOf(groups ...int) (out []step.Sequence) {
	for _, g := range groups {
		out = append(out, step.Sequence{Group: g, GroupTargets: g, Unconditional: -1})
	}
	return out
}

// repeated is n sequences of g rows.
func repeated(n, g int) (out []int) {
	for range n {
		out = append(out, g)
	}
	return out
}

// TestProgramsFitTheirSteps counts the rows that programs have for steps, and the rows that
// attention takes together.
func TestProgramsFitTheirSteps(t *testing.T) {
	guided := groupsOf(169, 169) // a scale of VAR, with its branch
	guided[0].Unconditional, guided[1].GroupTargets = 1, 0
	for _, c := range []struct {
		name               string
		sequences          []step.Sequence
		rows, targets, run int
	}{
		{"raster", groupsOf(repeated(11, 1)...), 16, 16, 1},
		{"groups of 4", groupsOf(repeated(3, 4)...), 16, 16, 4},
		{"groups of 16", groupsOf(repeated(9, 16)...), 160, 160, 4},
		{"three schedules", groupsOf(append(append(repeated(10, 16), repeated(11, 4)...), repeated(11, 1)...)...), 224, 224, 4},
		{"two schedules", groupsOf(append(repeated(11, 4), repeated(11, 1)...)...), 64, 64, 4},
		{"mostly raster", groupsOf(append(repeated(2, 4), repeated(20, 1)...)...), 32, 32, 1},
		{"groups across tiles", groupsOf(6, 5, 6, 5), 32, 32, 1},
		{"guided scale", guided, 384, 192, 4},
	} {
		k := (&Decoder{}).keyOf(&Step{Sequences: c.sequences})
		if k.rows != c.rows || k.targets != c.targets || k.run != c.run {
			t.Errorf("%s: %d rows, %d targets, runs of %d; want %d, %d and %d", c.name, k.rows, k.targets, k.run, c.rows, c.targets, c.run)
		}
	}
}
