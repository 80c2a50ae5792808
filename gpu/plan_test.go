package gpu

import (
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/gpu/vk"
)

func temporary(size uint64, first, last int) *storage {
	return &storage{size: size, first: first, last: last}
}

func TestPlanOfAChain(t *testing.T) {
	// a lives to operation 1, b over 1 and 2, c over 2 and 3: c takes a's place.
	a, b, c := temporary(1000, 0, 1), temporary(5000, 1, 2), temporary(900, 2, 3)
	live := []*storage{a, b, c}
	offsets, total := place(live, 1<<40)
	at := map[*storage]uint64{}
	for i, s := range live {
		at[s] = offsets[i]
	}
	if at[b] != 0 || at[a] != 5120 || at[c] != 5120 || total != 6144 {
		t.Errorf("a at %d, b at %d, c at %d, arena %d; want 5120, 0, 5120, 6144", at[a], at[b], at[c], total)
	}
}

// TestPlanKeepsTheLivingApart draws lifetimes at random.
func TestPlanKeepsTheLivingApart(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var live []*storage
		var sum, peak uint64
		now := map[int]uint64{}
		for range 1 + r.IntN(40) {
			first := r.IntN(60)
			s := temporary(uint64(1+r.IntN(1<<(1+r.IntN(16)))), first, first+r.IntN(12))
			live = append(live, s)
			sum += roundUp(s.size)
			for k := s.first; k <= s.last; k++ {
				now[k] += roundUp(s.size)
				peak = max(peak, now[k])
			}
		}
		offsets, total := place(live, 1<<40)
		if total > sum || total < peak {
			t.Fatalf("arena of %d bytes for %d at once and %d together", total, peak, sum)
		}
		checkApart(t, live, offsets, total)
		const piece = 1 << 17 // as large as the largest may be
		offsets, total = place(live, piece)
		checkApart(t, live, offsets, total)
		for i, s := range live {
			if offsets[i]/piece != (offsets[i]+s.size-1)/piece {
				t.Fatalf("%d bytes at %d lie in two pieces of %d", s.size, offsets[i], piece)
			}
		}
	}
}

func checkApart(t *testing.T, live []*storage, offsets []uint64, total uint64) {
	t.Helper()
	for i, a := range live {
		if offsets[i]%alignBytes != 0 || offsets[i]+a.size > total {
			t.Fatalf("%d bytes at %d of an arena of %d", a.size, offsets[i], total)
		}
		for j, b := range live[:i] {
			alive := a.first <= b.last && b.first <= a.last
			if alive && overlaps([]span{{offsets[i], a.size}}, span{offsets[j], b.size}) {
				t.Fatalf("two live temporaries overlap: [%d,%d] at %d+%d and [%d,%d] at %d+%d",
					a.first, a.last, offsets[i], a.size, b.first, b.last, offsets[j], b.size)
			}
		}
	}
}

func TestOverlaps(t *testing.T) {
	for _, c := range []struct {
		a, b span
		want bool
	}{
		{span{0, 10}, span{10, 5}, false},
		{span{10, 5}, span{0, 10}, false},
		{span{0, 10}, span{9, 1}, true},
		{span{4, 1}, span{0, 10}, true},
		{span{4, 0}, span{0, 10}, false},
	} {
		if got := c.a.size > 0 && overlaps([]span{c.a}, c.b); got != c.want {
			t.Errorf("%v and %v: %v", c.a, c.b, got)
		}
	}
}

// TestHazardsAgainstPairs holds the barriers against every pair of operations:
// two that touch the same bytes, one of them writing, have one in between.
func TestHazardsAgainstPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	mem := &storage{region: &region{&block{Block: &vk.Block{Addr: 4096}}, span{0, 256}}}
	whole := &Tensor{Shape: []int{64}, DType: tensor.F32, mem: mem}
	some := func(n int) (out []*Tensor) {
		for range n {
			k := 1 + r.IntN(6)
			out = append(out, whole.View(r.IntN(65-k), k), nil)
		}
		return out
	}
	barriers := 0
	for range 200 {
		var h hazards
		ops := make([]op, 30)
		before := make([]bool, len(ops))
		for i := range ops {
			ops[i] = op{in: some(r.IntN(3)), out: some(1)}
			before[i] = h.next(&ops[i])
			if before[i] {
				barriers++
			}
			if j := conflict(ops, before, i); j >= 0 {
				t.Fatalf("no barrier between operations %d and %d, which touch the same bytes", j, i)
			}
		}
	}
	if barriers == 0 || barriers > 200*29 {
		t.Fatalf("%d barriers", barriers)
	}
}

// conflict returns an operation since the last barrier that i depends on, or -1.
func conflict(ops []op, before []bool, i int) int {
	for j := i - 1; j >= 0 && !before[j+1]; j-- {
		if meet(ops[j].out, ops[i].in) || meet(ops[j].out, ops[i].out) || meet(ops[j].in, ops[i].out) {
			return j
		}
	}
	return -1
}

func meet(a, b []*Tensor) bool {
	for _, x := range a {
		for _, y := range b {
			if x != nil && y != nil && x.off < y.off+y.SizeBytes() && y.off < x.off+x.SizeBytes() {
				return true
			}
		}
	}
	return false
}
