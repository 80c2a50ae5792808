package train

import (
	"math"
	"testing"

	"github.com/morton-gen/morton/models/system"
)

// TestLogitsAreTheTable holds a linear map of the bit before to the bigram table.
func TestLogitsAreTheTable(t *testing.T) {
	tables := NewTables(&system.System{Token: system.Token{Bits: 3}, Layout: system.Layout{Inputs: 1}})
	for i, n := range []int{40, 3, 5, 52, 10, 10, 0, 80, 1, 2, 3, 4} { // of [bit][before][value]
		for range n {
			tables.count(i/4, i/2%2, i%2)
		}
	}
	weight, bias := tables.Logits()
	for bit := range 3 {
		for before := range 2 {
			x := float64(bias[bit]) + float64(weight[bit])*float64(2*before-1)
			_, want := tables.probability(bit, before, 1)
			if got := 1 / (1 + math.Exp(-x)); math.Abs(got-want) > 1e-6 {
				t.Errorf("bit %d after %d: %g, the table has %g", bit, before, got, want)
			}
		}
	}
	if !(weight[0] > 1) || math.Abs(float64(weight[2])) > 1 {
		t.Errorf("weights %v", weight)
	}
}
