package sample

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// redrawn are the targets of one request.
type redrawn struct {
	logits []float32 // [n, 2·l]
	status []int32
	codes  []uint32
}

func newRedrawn(seed uint64, n, l int) redrawn {
	r := rand.New(rand.NewPCG(seed, 1))
	x := redrawn{logits: gputest.Normal(seed, n*2*l)}
	for range n {
		x.status, x.codes = append(x.status, int32(r.IntN(3))), append(x.codes, r.Uint32()>>(32-l))
	}
	return x
}

// chosen is the definition: targets are sorted by how wrong they are.
func (x redrawn) chosen(l, share int) []float32 {
	n := len(x.status)
	scores, count := make([]float64, n), 0
	for i := range n {
		y, wrong := x.logits[i*2*l:(i+1)*2*l], 0
		for j := range l {
			likely := uint32(0)
			if y[2*j+1] > y[2*j] {
				likely = 1
			}
			if x.status[i] != Filled || x.codes[i]>>j&1 != likely {
				wrong++
			}
		}
		if wrong > 0 && x.status[i] != Hidden {
			count++
		}
		scores[i] = float64(wrong)
		if is := x.codes[i] & 1; l == 1 && x.status[i] == Filled {
			scores[i] = -float64(y[is])
		} else if l == 1 {
			scores[i] = -float64(y[1])
		}
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	out := make([]float32, n)
	for i, s := range x.status {
		if s == Fresh || s == Filled && slices.Contains(order[:count/share], i) {
			out[i] = 1
		}
	}
	return out
}

// TestRedraw compares the choice with its definition, of two requests at once and two
// targets of nobody's.
func TestRedraw(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, l := range []int{1, 32, 5} {
			for _, share := range []int{5, 2, 1000} {
				t.Run(fmt.Sprintf("bits=%d/share=%d", l, share), func(t *testing.T) {
					const length, nobody = 100, 2
					requests := []redrawn{newRedrawn(3, 77, l), newRedrawn(5, 41, l)}
					var logits, want []float32
					var draw, drawn, canvas []int32
					tokens := make([]int32, 3*length)
					for k, x := range requests {
						slot := int32(2 - 2*k)
						want = append(want, x.chosen(l, share)...)
						logits = append(logits, x.logits...)
						for i, s := range x.status {
							position := int32(len(x.status) - i)
							draw = append(draw, 0, 0, 0, position, s, 0, 0, 1)
							canvas, drawn = append(canvas, slot), append(drawn, -7)
							tokens[slot*length+position] = int32(x.codes[i])
						}
					}
					for range nobody {
						logits, draw, canvas, drawn, want = append(logits, make([]float32, 2*l)...), append(draw, 0, 0, 0, 0, 0, 0, 0, 0), append(canvas, 0), append(drawn, -7), append(want, 0)
					}
					m := len(canvas)
					out, chosen := gputest.U32(t, dev, drawn, m, 1), gputest.F32(t, dev, make([]float32, m), m)
					gputest.Run(t, dev, func(r *gpu.Recorder) {
						Redraw(r, RedrawArgs{
							Logits: gputest.F32(t, dev, logits, m, 2*l), Draw: gputest.U32(t, dev, draw, m, DrawWords), Canvas: gputest.I32(t, dev, canvas, m),
							Tokens: gputest.U32(t, dev, tokens, 3, length, 1), Drawn: out, Chosen: chosen, Share: share,
						})
					})
					if got := gputest.Read(t, chosen); !slices.Equal(got, want) {
						t.Errorf("chosen %v, want %v", got, want)
					}
					codes, err := out.As(tensor.I32).I32()
					if err != nil {
						t.Fatal(err)
					}
					for i := range m - nobody {
						there := tokens[canvas[i]*length+draw[i*DrawWords+3]]
						if kept := codes[i] == there; kept != (want[i] == 0) && there != -7 {
							t.Errorf("target %d of status %d: code %d, there is %d, chosen %g", i, draw[i*DrawWords+4], codes[i], there, want[i])
						}
					}
				})
			}
		}
	})
}
