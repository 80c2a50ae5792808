package train

import (
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
)

// TestDecodingUnderBarriers decodes with a barrier before every operation: no token
// changes, or the engine leaves one out that it needs.
func TestDecodingUnderBarriers(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		all := gputest.Open(t, gpu.Options{Device: dev.Info().Name, BarrierAll: true})
		for name, c := range tiny() {
			const n = 60
			seqs := []*Sequence{chain(c, n, 1), chain(c, n, 2), chain(c, n, 3)}
			var drawn [2][][]uint32
			for i, d := range []*gpu.Device{dev, all} {
				dec := newDecoder(t, d, c, savedWeights(t, d, c), engine.DecoderOptions{Slots: 3})
				drawn[i] = drawAll(t, dec, c, seqs, 8, n, []int{0, 1, 2}, 5)
				dec.Free()
			}
			for i := range seqs {
				if !slices.Equal(drawn[0][i], drawn[1][i]) {
					t.Errorf("%s: sequence %d changes with barriers", name, i)
				}
			}
		}
	})
}
