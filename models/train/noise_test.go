package train

import (
	"math"
	"math/bits"
	"slices"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/system"
)

// TestNoise counts the bits that are turned over.
func TestNoise(t *testing.T) {
	const positions, code, words = 2000, 40, 2
	w := Window{Seq: &Sequence{Tokens: make([]uint32, positions*words)}, Noise: 0.03, Seed: 5}
	token := system.Token{Bits: code}
	a, b := w.noisy(token), w.noisy(token)
	turned := 0
	for i, x := range a {
		turned += bits.OnesCount32(x)
		if i%words == 1 && x>>(code-32) != 0 {
			t.Fatalf("word %d has bits beyond the code: %x", i, x)
		}
	}
	const n = positions * code
	if want := 0.03 * n; math.Abs(float64(turned)-want) > 4*math.Sqrt(want) {
		t.Errorf("%d of %d bits turned over, want about %.0f", turned, n, want)
	}
	if !slices.Equal(a, b) || slices.ContainsFunc(w.Seq.Tokens, func(x uint32) bool { return x != 0 }) {
		t.Error("a seed gives two noises, or the sample has changed")
	}
	w.Seed++
	if slices.Equal(a, w.noisy(token)) {
		t.Error("two seeds give one noise")
	}
	w.Noise = 0
	if &w.noisy(token)[0] != &w.Seq.Tokens[0] {
		t.Error("without noise the tokens are copied")
	}
}

// TestStepsIn measures a task, which must leave no gradients.
func TestStepsIn(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := task(t, dev)
		few, many := must(StepsIn(s, time.Millisecond))(t), must(StepsIn(s, time.Hour))(t)
		if few < 1 || many < 1000 || many < 10*few {
			t.Errorf("%d steps in a millisecond, %d in an hour", few, many)
		}
		if slices.ContainsFunc(must(s.Store().G.F32())(t), func(x float32) bool { return x != 0 }) {
			t.Error("gradients are left")
		}
	})
}
