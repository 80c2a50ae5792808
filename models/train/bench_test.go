package train

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/systems"
)

// sizes are the networks of docs/benchmarks/engine.md. Their weights are random:
// they are timed, not listened to.
var sizes = []struct {
	name string
	cfg  systems.Decoder
}{
	{"5M", language(256, 6, 4, 640, 512)},
	{"111M", language(768, 12, 12, 2048, 16384)},
}

// language is a network over plain tokens, each fed the one before it.
func language(width, layers, heads, hidden, vocab int) systems.Decoder {
	return systems.Decoder{
		Width: width, Layers: layers, Heads: heads, Hidden: hidden, RopePairs: []int{width / heads / 2}, RopeTheta: 1e4,
		StaticRows: 1, Fed: 1, Sub: 1, Vocab: vocab, Context: 1024, Length: 1024, Group: 1,
	}
}

// plain lays out n positions of such a network.
func plain(c systems.Decoder, n int) *Sequence {
	var rows order.Positions
	var tokens []uint32
	for p := range n {
		rows.Add(nil, []int32{int32(p - 1)}, []int32{int32(p)}, int32(p+1), 0, int32(c.Vocab))
		tokens = append(tokens, uint32(p*7919%c.Vocab))
	}
	return joined(c, rows, tokens)
}

// BenchmarkDecode draws from position 0 on, in submits of 16 steps, and begins
// again at position 256.
func BenchmarkDecode(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			f := randomWeights(b, gputest.Open(b, gpu.Options{}), size.cfg)
			for _, p := range nn.Precisions {
				for _, batch := range []int{1, 2, 4, 8, 16, 32} {
					b.Run(fmt.Sprintf("%s/batch=%d", p, batch), func(b *testing.B) {
						benchDecode(b, gputest.Open(b, gpu.Options{Grain: engine.Grain(size.cfg.System(), batch)}), size.cfg, f, p, batch)
					})
				}
			}
		})
	}
}

func randomWeights(b *testing.B, dev *gpu.Device, c systems.Decoder) *safetensors.File {
	b.Helper()
	net := must(NewNetwork(dev, c.System(), 1, 16, NetworkOptions{}))(b)
	defer net.Free()
	check(b, net.Store().Init(5))
	path := filepath.Join(b.TempDir(), "w.safetensors")
	check(b, net.Store().Save(path, safetensors.F16, false, nil))
	f := must(safetensors.Open(path))(b)
	b.Cleanup(func() { f.Close() })
	return f
}

func benchDecode(b *testing.B, dev *gpu.Device, c systems.Decoder, f *safetensors.File, p nn.Precision, batch int) {
	const steps, until = 16, 256
	dec := newDecoder(b, dev, c, f, engine.DecoderOptions{Slots: batch, Precision: p})
	defer dec.Free()
	lanes := make([]step.Sequence, batch)
	for i := range lanes {
		check(b, dec.SetSampling(i, step.Sampling{Seed: 1, Request: uint64(i), Temperature: 1, TopP: 1, End: -1}))
		lanes[i] = draw(lay(b, dec, c, i, plain(c, until), 0), c, until)
	}
	check(b, dec.Run(engine.Step{Sequences: lanes, Times: steps, EveryRow: true})) // compiles
	tokens := 0
	report := gputest.Processor(b)
	for b.Loop() {
		if lanes[0].Row == until {
			for i := range lanes {
				lanes[i].Row, lanes[i].Target = 0, 0
			}
		}
		check(b, dec.Run(engine.Step{Sequences: lanes, Times: steps, EveryRow: true}))
		tokens += steps * batch
	}
	report()
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}

// BenchmarkTrainStep is a forward and a backward pass, without the optimizer's.
func BenchmarkTrainStep(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, size := range sizes {
		for _, p := range nn.TrainPrecisions {
			for _, recompute := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/%s/recompute=%v", size.name, p, recompute), func(b *testing.B) {
					benchTrain(b, dev, size.cfg, NetworkOptions{Precision: p, Recompute: recompute})
				})
			}
		}
	}
}

func benchTrain(b *testing.B, dev *gpu.Device, c systems.Decoder, o NetworkOptions) {
	const batch, window = 8, 256
	net := must(NewNetwork(dev, c.System(), batch, window, o))(b)
	defer net.Free()
	check(b, net.Store().Init(5))
	var ws []Window
	for range batch {
		ws = append(ws, Window{Seq: plain(c, window), To: window})
	}
	tokens := must(net.SetBatch(ws))(b)
	must(net.Backward())(b)
	report := gputest.Processor(b)
	for b.Loop() {
		must(net.Backward())(b)
	}
	report()
	seconds := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(float64(tokens)/seconds, "tokens/s")
	b.ReportMetric(flops(c, batch, window)/seconds/1e9, "GFLOP/s")
	b.ReportMetric(float64(net.both.Stats().ArenaBytes)/1e6, "MB-arena")
	b.ReportMetric(float64(net.Store().Bytes())/1e6, "MB-parameters")
}

// flops counts the products of a training step: three of each matrix's, and five
// of attention's half square where the forward pass has two.
func flops(c systems.Decoder, b, n int) float64 {
	matrices := c.Layers*(4*c.Width*c.Width+3*c.Width*c.Hidden) + c.Width*c.Outputs()
	attention := c.Layers * c.Width * n / 2 * 7
	return 2 * float64(b*n) * float64(3*matrices+attention)
}
