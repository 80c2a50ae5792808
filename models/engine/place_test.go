package engine

import (
	"slices"
	"testing"
)

// TestCacheIsARing walks a request past its context: sink rows stay, others take the
// place of the oldest.
func TestCacheIsARing(t *testing.T) {
	var got []int
	for row := range 12 {
		got = append(got, place(row, 6, 2))
	}
	if want := []int{0, 1, 2, 3, 4, 5, 2, 3, 4, 5, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("rows go to slots %v, want %v", got, want)
	}
}
