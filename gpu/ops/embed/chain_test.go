package embed

import (
	"fmt"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// TestChain compares the rows that sub-tokens are told by with their definition. Some tokens
// are none.
func TestChain(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, x := range []struct{ n, s, v, lo, hi int }{{1, 2, 3, 0, 1}, {9, 4, 256, 0, 3}, {5, 4, 7, 1, 2}, {3, 3, 5, 2, 2}, {40, 5, 2, 0, 99}} {
			t.Run(fmt.Sprintf("%+v", x), func(t *testing.T) {
				tokens := make([]int32, x.n*x.s)
				for i := range tokens {
					tokens[i] = int32(i*5%(x.v+2)) - 1
				}
				var want []int32
				for r := range x.n {
					first := 0 // row of the table, of the pair (0, s)
					for s := range x.s {
						for i := range x.s - 1 {
							id := int32(-1)
							if token := tokens[r*x.s+i]; i < s && i >= x.lo && i < x.hi && token >= 0 && int(token) < x.v {
								id = int32(first+i*x.v) + token
							}
							want = append(want, id)
						}
						first += s * x.v
					}
				}
				ids := gputest.I32(t, dev, make([]int32, len(want)), x.n*x.s, x.s-1)
				gputest.Run(t, dev, func(r *gpu.Recorder) {
					Chain(r, ChainArgs{Tokens: gputest.I32(t, dev, tokens, x.n, x.s), IDs: ids, Values: x.v, Lo: x.lo, Hi: x.hi})
				})
				got, err := ids.I32()
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
				if x.lo == 0 && x.hi >= x.s-1 {
					ChainIDs(tokens, x.s, x.v, got)
					if !slices.Equal(got, want) {
						t.Errorf("on the host got %v, want %v", got, want)
					}
				}
			})
		}
	})
}

func TestChainShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.I32(t, dev, make([]int32, 24), 3, 8)
		bad := map[string]func(*gpu.Recorder){}
		for name, a := range map[string]ChainArgs{
			"nothing":       {Tokens: x, Values: 2, Hi: 1},
			"one sub-token": {Tokens: x.View(0, 3, 1), IDs: x, Values: 2, Hi: 1},
			"short ids":     {Tokens: x.View(0, 3, 4), IDs: x, Values: 2, Hi: 1},
			"backwards":     {Tokens: x.View(0, 2, 3), IDs: x.View(0, 6, 2), Values: 2, Lo: 2, Hi: 1},
			"many values":   {Tokens: x.View(0, 2, 3), IDs: x.View(0, 6, 2), Values: 1 << 30, Hi: 1},
		} {
			bad[name] = func(r *gpu.Recorder) { Chain(r, a) }
		}
		optest.Refused(t, dev, bad)
	})
}
