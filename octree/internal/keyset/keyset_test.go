package keyset

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// reference is the same set as a sorted slice.
func reference(levels, n int, seed uint64) []uint64 {
	r := rand.New(rand.NewPCG(seed, 1))
	var keys []uint64
	for range n {
		keys = append(keys, r.Uint64N(1<<(3*levels)))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func TestSetAgreesWithSortedSlice(t *testing.T) {
	for _, levels := range []int{1, 2, 5, 6, 8} {
		want := reference(levels, 3000, uint64(levels))
		a, b := New(levels), New(levels)
		for i, k := range want {
			if i%2 == 0 {
				a.Add(k)
			} else {
				b.Add(k)
			}
		}
		a.Merge(b)
		if got := a.Seal(); got != len(want) || a.Len() != got {
			t.Fatalf("levels %d: %d members, want %d", levels, got, len(want))
		}
		if got := slices.Collect(a.All); !slices.Equal(got, want) {
			t.Fatalf("levels %d: members differ", levels)
		}
		checkRanks(t, a, want, levels)
	}
}

func checkRanks(t *testing.T, s *Set, want []uint64, levels int) {
	t.Helper()
	for i, k := range want {
		if !s.Has(k) || s.Rank(k) != i {
			t.Fatalf("levels %d: key %d has rank %d, want %d", levels, k, s.Rank(k), i)
		}
		if next := k + 1; next < 1<<(3*levels) && (i+1 == len(want) || want[i+1] != next) {
			if s.Has(next) || s.Rank(next) != -1 {
				t.Fatalf("levels %d: key %d is not a member", levels, next)
			}
		}
	}
}
