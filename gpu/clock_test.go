package gpu

import (
	"slices"
	"testing"
	"time"
)

func TestElapsed(t *testing.T) {
	for _, c := range []struct {
		ticks []uint64
		bits  int
		nanos float32
		want  []time.Duration
	}{
		{[]uint64{5, 7, 7, 1000}, 64, 1, []time.Duration{2, 0, 993}},
		{[]uint64{5, 7}, 36, 52.08, []time.Duration{104}},
		{[]uint64{1<<36 - 2, 3}, 36, 1, []time.Duration{5}}, // it went round
	} {
		if got := elapsed(c.ticks, c.bits, c.nanos); !slices.Equal(got, c.want) {
			t.Errorf("%v of %d bits: %v, want %v", c.ticks, c.bits, got, c.want)
		}
	}
}

func TestPlausible(t *testing.T) {
	for name, c := range map[string]struct {
		took []time.Duration
		want bool
	}{
		"in time": {[]time.Duration{10, 20}, true}, "nothing": {[]time.Duration{0, 0}, false}, "one longer than all": {[]time.Duration{200, 1}, false},
		"too long together": {[]time.Duration{90, 90}, false}, "backwards": {[]time.Duration{-1, 5}, false},
	} {
		if plausible(c.took, 100) != c.want {
			t.Errorf("%s", name)
		}
	}
}
