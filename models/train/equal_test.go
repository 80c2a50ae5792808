package train

import (
	"errors"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/systems"
)

// packable is the tiny network with rows that come in every precision.
func packable() systems.Decoder {
	c := tiny()["softmax"]
	c.Hidden = 64
	return c
}

// drawn are the precisions that drawing is tested in: by default what the models ship in,
// and one of packed weights.
func drawn() []nn.Precision {
	return gputest.Pick(2, []nn.Precision{nn.F16, nn.Int8, nn.Int4, nn.BF16, nn.F32})
}

// TestEqualBits draws a request alone, in a batch of 32 with others, again after
// its cache was rolled back, and a hundred times over.
func TestEqualBits(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := packable()
		f := savedWeights(t, dev, c)
		seen := map[string]nn.Precision{}
		for _, p := range drawn() {
			key := string(key(equalBits(t, dev, c, f, p)))
			if q, ok := seen[key]; ok && (p == nn.Int8 || p == nn.Int4) {
				t.Errorf("%s draws what %s draws: its weights make no difference", p, q)
			}
			seen[key] = p
		}
	})
}

func key(tokens []uint32) (out []byte) {
	for _, x := range tokens {
		out = append(out, byte(x))
	}
	return out
}

func equalBits(t *testing.T, dev *gpu.Device, c systems.Decoder, f *safetensors.File, p nn.Precision) []uint32 {
	t.Helper()
	const n, prompt, slots = 60, 8, 32
	dec := newDecoder(t, dev, c, f, engine.DecoderOptions{Slots: slots, Precision: p})
	defer dec.Free()
	var seqs []*Sequence
	var all []int
	for i := range slots {
		seqs, all = append(seqs, chain(c, n, uint64(i))), append(all, i)
	}
	alone := drawAll(t, dec, c, seqs[3:4], prompt, n, []int{17}, 7)[0]
	together := drawAll(t, dec, c, seqs, prompt, n, all, 3)
	if !slices.Equal(together[3], alone) {
		t.Errorf("%s: in a batch of %d other tokens are drawn", p, slots)
	}
	// A rollback reaches as far as the ring has not been written over.
	drawAll(t, dec, c, seqs[3:4], prompt, c.Context, []int{3}, 7)
	back := []step.Sequence{draw(step.Sequence{Slot: 3, Canvas: 3, Row: prompt + 3, Target: prompt + 3, Unconditional: -1}, c, c.Context)}
	for back[0].Row < c.Context {
		check(t, dec.Run(engine.Step{Sequences: back, Times: 5, EveryRow: true}))
	}
	if again := must(dec.Tokens(3, 0, c.Context))(t); !slices.Equal(again, alone[:c.Context]) {
		t.Errorf("%s: after a rollback other tokens are drawn", p)
	}
	for run := range 100 {
		if again := drawAll(t, dec, c, seqs[3:4], prompt, 20, []int{run % slots}, 12)[0]; !slices.Equal(again, alone[:20]) {
			t.Fatalf("%s: run %d draws other tokens", p, run)
		}
	}
	return slices.Concat(together...)
}

func TestPrecisionErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := tiny()["softmax"] // rows of 48 weights
		f := savedWeights(t, dev, c)
		for _, p := range []nn.Precision{nn.Int8, nn.Int4, "f8"} {
			if _, err := engine.NewDecoder(dev, c.System(), nn.File(f), engine.DecoderOptions{Slots: 1, Precision: p}); !errors.Is(err, nn.ErrConfig) {
				t.Errorf("%s: %v", p, err)
			}
		}
	})
}
