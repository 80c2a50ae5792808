package gpu

import (
	"slices"
	"testing"
	"time"
)

func TestCut(t *testing.T) {
	small, big := Work{Bytes: 1 << 10}, Work{Flops: 30e9} // 150 ms at the cautious rate
	for name, c := range map[string]struct {
		work []Work
		most int
		want []int
	}{
		"nothing":           {nil, 10, nil},
		"few":               {[]Work{small, small}, 10, []int{2}},
		"by number":         {[]Work{small, small, small, small, small}, 2, []int{2, 4, 5}},
		"by work":           {[]Work{big, big, small, big}, 10, []int{1, 3, 4}},
		"never empty":       {[]Work{big, {Flops: 1e15}, big}, 10, []int{1, 2, 3}},
		"bytes count too":   {[]Work{{Bytes: 3e9}, {Bytes: 3e9}}, 10, []int{1, 2}},
		"one, however long": {[]Work{{Flops: 1e18}}, 1, []int{1}},
	} {
		p := pace{most: c.most}
		ops := make([]op, len(c.work))
		for i, w := range c.work {
			ops[i].work = w
		}
		if got := p.cut(ops, submitTarget); !slices.Equal(got, c.want) {
			t.Errorf("%s: cut at %v, want %v", name, got, c.want)
		}
	}
}

func TestPace(t *testing.T) {
	const target = 200 * time.Millisecond
	p := pace{most: 100}
	if n := p.next(50, target); n != 1 {
		t.Errorf("%d pieces of unknown length", n)
	}
	p.observe(1, 1, 10*time.Millisecond, target, false)
	for left, want := range map[int]int{50: 20, 7: 7, 1: 1} {
		if n := p.next(left, target); n != want {
			t.Errorf("%d pieces of 10 ms, %d left: %d", n, left, want)
		}
	}
	p.observe(20, 1, 20*time.Second, target, false)
	if n := p.next(50, target); n != 1 || p.recut(100, target) {
		t.Errorf("%d pieces of a second; or a piece among others was called slow", n)
	}
	p.observe(1, 1, time.Second, target, false)
	if p.recut(1, target) {
		t.Error("one operation was cut")
	}
	if !p.recut(100, target) || p.most != 20 || p.each != 0 {
		t.Errorf("100 operations took a second: %+v", p)
	}
	p.observe(1, 2, time.Second, target, true)
	if p.recut(100, target) {
		t.Error("the run that compiles was taken for the work")
	}
	p.observe(1, 2, time.Second, target, true)
	p.observe(1, 2, time.Second, target, true)
	if !p.recut(100, target) {
		t.Error("a slow piece stays")
	}
}
