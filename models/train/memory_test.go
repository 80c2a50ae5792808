package train

import (
	"errors"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
)

// TestDecoderBytes holds the plan to what a decoder takes: with a byte less than
// planned it says so before it allocates, with the plan it runs.
func TestDecoderBytes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, c := range tiny() {
			weights := savedWeights(t, dev, c)
			o := engine.DecoderOptions{Slots: 5}
			need := engine.Bytes(c.System(), o)
			short := gputest.Open(t, gpu.Options{Device: dev.Info().Name, MemoryLimit: need - 1})
			var oom *gpu.OutOfMemoryError
			if _, err := engine.NewDecoder(short, c.System(), nn.File(weights), o); !errors.As(err, &oom) || oom.Needed != need || oom.Available != need-1 || short.Used() != 0 {
				t.Errorf("%s: with a byte too few: %v, %d bytes used", name, err, short.Used())
			}
			enough := gputest.Open(t, gpu.Options{Device: dev.Info().Name, MemoryLimit: need})
			dec := newDecoder(t, enough, c, weights, o)
			var seqs []*Sequence
			for i := range uint64(5) {
				seqs = append(seqs, chain(c, 60, i))
			}
			for n := 1; n <= 5; n++ {
				drawAll(t, dec, c, seqs[:n], 8, 60, []int{0, 1, 2, 3, 4}[:n], 3)
			}
			if enough.Used() < need/2 {
				t.Errorf("%s: %d bytes planned, %d used", name, need, enough.Used())
			}
			dec.Free()
		}
	})
}
