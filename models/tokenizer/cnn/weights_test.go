package cnn

import (
	"slices"
	"testing"
)

func TestToDevice(t *testing.T) {
	p := Param{Name: "conv", Shape: []int{3, 3, 2, 2}} // channels out and in get a fourth
	x := make([]float32, 36)
	for i := range x {
		x[i] = float32(i + 1)
	}
	y := p.toDevice(x)
	if len(y) != 4*4*4 {
		t.Fatalf("%d elements", len(y))
	}
	for o := range 4 {
		for tap := range 4 {
			for c := range 4 {
				want := float32(0)
				if o < 3 && c < 3 {
					want = x[(o*3+c)*4+tap]
				}
				if got := y[(o*4+tap)*4+c]; got != want {
					t.Errorf("out %d, tap %d, in %d: %g, want %g", o, tap, c, got, want)
				}
			}
		}
	}
	if bias := (Param{Name: "bias", Shape: []int{3}}).toDevice([]float32{1, 2, 3}); !slices.Equal(bias, []float32{1, 2, 3, 0}) {
		t.Errorf("bias %v", bias)
	}
}
