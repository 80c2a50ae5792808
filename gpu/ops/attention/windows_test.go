package attention

import (
	"fmt"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

var windows = []Window{{Size: 8, Dilation: 1}, {Size: 8, Dilation: 1, Shift: 4}, {Size: 4, Dilation: 3}, {Size: 4, Dilation: 3, Shift: 2}, {Size: 64, Dilation: 1}, {Size: 64, Dilation: 2, Shift: 32}}

// number is the window of row i, as the reference tells it: rows are cut into stretches
// behind the shift, and a stretch into windows by what is left over.
func (w Window) number(i int) int {
	i += w.Shift
	stretch := w.Size * w.Dilation
	return i/stretch*w.Dilation + i%stretch%w.Dilation
}

// TestSpans compares windows of sequences of all lengths with the number of each row's.
func TestSpans(t *testing.T) {
	for _, w := range windows {
		for n := range 200 {
			spans := w.Spans(nil, 5, n)
			seen := make([]int, n)
			for at := 0; at < len(spans); at += 3 {
				if len(spans)/3 > w.Most(n, 1) || spans[at+1] > int32(w.Size) {
					t.Fatalf("%+v, %d rows: %d windows, one of %d rows", w, n, len(spans)/3, spans[at+1])
				}
				for j := range spans[at+1] {
					row := int(spans[at] + j*spans[at+2] - 5)
					if seen[row]++; w.number(row) != w.number(int(spans[at]-5)) {
						t.Fatalf("%+v, %d rows: row %d is in the window of row %d", w, n, row, spans[at]-5)
					}
				}
				if at > 0 && w.number(int(spans[at]-5)) == w.number(int(spans[at-3]-5)) {
					t.Fatalf("%+v, %d rows: window %d stands twice", w, n, at/3)
				}
			}
			if slices.ContainsFunc(seen, func(k int) bool { return k != 1 }) {
				t.Fatalf("%+v, %d rows: in windows %v times", w, n, seen)
			}
		}
	}
}

// TestWindows compares attention in the windows of two sequences, and its gradients, with
// the oracle. A row sees rows of its window whose integers are not above its own.
func TestWindows(t *testing.T) {
	const first, second = 37, 50
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, w := range gputest.Pick(4, windows) {
			t.Run(fmt.Sprintf("%+v", w), func(t *testing.T) {
				l := newLayout(square(1, first+second, 2, 6), func(i, _ int) int32 { return int32(i % first / 10) })
				l.spans, l.most = w.Spans(w.Spans(nil, 0, first), first, second), w.Size
				l.mask = func(_, q, k int) bool {
					own := func(i int) int { return i / first * first } // of its sequence
					return (q < first) == (k < first) && w.number(q-min(own(q), first)) == w.number(k-min(own(k), first)) && l.keyK[k] <= l.keyQ[q]
				}
				out, bound := l.forward()
				g, e := l.backward(appendF64(nil, l.do))
				got := l.train(t, dev)
				for i, want := range [][2][]float64{{out, bound}, {g.q, e.q}, {g.k, e.k}, {g.v, e.v}} {
					gputest.Close(t, []string{"out", "dq", "dk", "dv"}[i], got[i], want[0], want[1])
				}
			})
		}
	})
}
