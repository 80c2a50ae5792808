package video

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/asticode/go-astiav"

	"github.com/morton-gen/morton/codecs/clip"
)

const none = astiav.NoPtsValue

// clock makes a timeline as of a file with 90,000 ticks a second at 25 frames a second.
func clock(jump int64) *timeline {
	const units = 1000
	return &timeline{units: units, tick: 1.0 / 90000, rate: clip.Rate{Num: 25, Den: 1}, jump: jump * 90000 * units, back: 9000 * units}
}

func TestTimeline(t *testing.T) {
	const f = 3600 // ticks in a frame
	for _, c := range []struct {
		name   string
		stamps []int64
		want   []float64 // in frames
		jumps  int
	}{
		{"regular", []int64{10 * f, 11 * f, 12 * f}, []float64{0, 1, 2}, 0},
		{"uneven", []int64{0, f, 5 * f, 6 * f}, []float64{0, 1, 5, 6}, 0},
		{"none", []int64{none, none, none}, []float64{0, 1, 2}, 0},
		{"none before the first", []int64{none, none, 0, f}, []float64{0, 1, 2, 3}, 0},
		{"none before a late one", []int64{none, none, 90 * f, 91 * f}, []float64{0, 1, 2, 3}, 0},
		{"none in the middle", []int64{0, f, none, 3 * f}, []float64{0, 1, 2, 3}, 0},
		{"forward by 5,000 s", []int64{0, f, 125_000 * f, 125_001 * f}, []float64{0, 1, 2, 3}, 1},
		{"back to the start", []int64{0, f, 2 * f, 3 * f, 0, f}, []float64{0, 1, 2, 3, 4, 5}, 1},
		{"one far off", []int64{0, f, 1 << 40, 3 * f, 4 * f}, []float64{0, 1, 2, 3, 4}, 2},
		{"beyond belief", []int64{0, f, 1 << 62, 3 * f}, []float64{0, 1, 2, 3}, 0},
		{"two changed places", []int64{0, f, 3 * f, 2 * f, 4 * f}, []float64{0, 1, 3, 3, 4}, 0},
		{"a clock that stands", []int64{7, 7, 7, 7, 7, 7, 7}, []float64{0, 0, 0, 3, 3, 3, 6}, 0},
		{"a pause of 9 s", []int64{0, 225 * f, 226 * f}, []float64{0, 225, 226}, 0},
	} {
		l := clock(10)
		last := int64(-1)
		for i, s := range c.stamps {
			l.place(s, 0)
			if got := float64(l.last) / 1000 / f; math.Abs(got-c.want[i]) > 0.001 || l.last <= last {
				t.Errorf("%s: frame %d at %.4f, want %.4f and after the last", c.name, i, got, c.want[i])
			}
			last = l.last
		}
		if l.jumps != c.jumps {
			t.Errorf("%s: %d jumps, want %d", c.name, l.jumps, c.jumps)
		}
	}
}

// TestTimelineIsBounded: whatever the stamps and durations, time goes on, and no frame is
// shown for longer than a jump.
func TestTimelineIsBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		l := clock(10)
		for i := range 100 {
			stamp := []int64{none, r.Int64(), -r.Int64(), r.Int64N(1 << 20), int64(i) * 3600, math.MaxInt64, math.MinInt64}[r.IntN(7)]
			before := l.last
			l.place(stamp, []int64{0, 1, 3600, r.Int64(), -1}[r.IntN(5)])
			if i > 0 && (l.last <= before || l.last-before > l.jump) || l.shown < 1 || l.shown > l.jump {
				t.Fatalf("stamp %d: from %d to %d, shown for %d", stamp, before, l.last, l.shown)
			}
		}
	}
}
