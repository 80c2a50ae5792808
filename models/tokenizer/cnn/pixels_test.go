package cnn

import (
	"math"
	"slices"
	"testing"
)

func TestBytes(t *testing.T) {
	for b := range 256 {
		if got := Byte(Float(uint8(b))); int(got) != b {
			t.Errorf("byte %d comes back as %d", b, got)
		}
	}
	for x, want := range map[float32]uint8{-1: 0, 1: 255, -7: 0, 7: 255, 0: 128, -0.003: 127, 0.999: 255, float32(math.Inf(1)): 255} {
		if got := Byte(x); got != want {
			t.Errorf("%g is %d, want %d", x, got, want)
		}
	}
	if Float(0) != -1 || Float(255) != 1 {
		t.Errorf("the range is %g to %g", Float(0), Float(255))
	}
}

func TestWidenNarrow(t *testing.T) {
	x := []float32{1, 2, 3, 4, 5, 6}
	wide := Widen(x)
	if !slices.Equal(wide, []float32{1, 2, 3, 0, 4, 5, 6, 0}) {
		t.Errorf("wide %v", wide)
	}
	if back := Narrow(wide); !slices.Equal(back, x) {
		t.Errorf("back %v", back)
	}
}
