package cnn

import (
	"slices"
	"testing"
)

func TestNormalize(t *testing.T) {
	x := []float32{3, 4, 0, 0, 1e-20, 0, -1e20, 0}
	Normalize(x, 2)
	want := []float32{0.6, 0.8, 0, 0, 1e-8, 0, -1, 0}
	if !slices.Equal(x, want) {
		t.Errorf("%v, want %v", x, want)
	}
}
