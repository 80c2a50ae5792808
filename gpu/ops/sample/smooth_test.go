package sample

import (
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// smoothRows are rows with and without filters, one of a part of the tokens and one that takes
// the likeliest.
var smoothRows = []row{
	{seed: 1, position: 0, hi: 77, temperature: 1, p: 1},
	{seed: 2, position: 3, hi: 77, k: 9, temperature: 0.8, p: 1},
	{seed: 3, position: 1, lo: 5, hi: 40, temperature: 1.2, p: 0.7, least: 0.01},
	{seed: 4, position: 2, hi: 77, temperature: 0, p: 1},
}

func smoothed(t *testing.T, dev *gpu.Device, x []float32, v int, rows []row, gain, tau float32, recorded *gpu.Tensor) []float32 {
	t.Helper()
	n := len(rows)
	var d, canvas []int32
	var temp []float32
	for i, r := range rows {
		d = append(d, r.seed, 7, 3, r.position, r.lo, r.hi, r.k, 1)
		temp, canvas = append(temp, r.temperature, r.p, r.least), append(canvas, int32(i%2))
	}
	d = append(d, 9, 7, 3, 1, 0, int32(v), 0, 0) // draws nothing
	temp, canvas = append(temp, 1, 1, 0), append(canvas, 0)
	out := gputest.F32(t, dev, slices.Repeat([]float32{-5}, (n+1)*v), n+1, v)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Smooth(r, SmoothArgs{
			Logits: gputest.F32(t, dev, append(slices.Clone(x), make([]float32, v)...), n+1, v), Draw: gputest.U32(t, dev, d, n+1, DrawWords),
			Temp: gputest.F32(t, dev, temp, n+1, 3), Gain: gain, Tau: tau, Recorded: recorded, Canvas: gputest.I32(t, dev, canvas, n+1), Out: out,
		})
	})
	got := gputest.Read(t, out)
	if slices.ContainsFunc(got[n*v:], func(w float32) bool { return w != -5 }) {
		t.Error("a row that draws nothing was written")
	}
	return got[:n*v]
}

// TestSmooth holds weights to float64, with random numbers and with recorded ones. Each row has
// the bits that it has alone.
func TestSmooth(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const v, l, e = 77, 4, 80
		x := gputest.Normal(5, len(smoothRows)*v)
		entries := gputest.Normal(6, 2*l*e)
		for _, o := range [][2]float32{{1, 0.27}, {2, 0.5}} {
			for _, recorded := range []*gpu.Tensor{nil, gputest.F32(t, dev, entries, 2, l, 8, 10)} {
				gain, tau := float64(o[0]), float64(o[1])
				got := smoothed(t, dev, x, v, smoothRows, o[0], o[1], recorded)
				for i, r := range smoothRows {
					logits, own := x[i*v:(i+1)*v], got[i*v:(i+1)*v]
					greedy := r
					if r.temperature == 0 {
						greedy.temperature, greedy.k = 1, 1
					}
					want, sum := map[int32]float64{}, 0.0
					for token := range allowed(logits, greedy) {
						noise := 0.0
						switch {
						case r.temperature == 0:
						case recorded != nil:
							noise = float64(entries[(i%2*l+int(r.position))*e+int(token)])
						default:
							w := Philox([4]uint32{uint32(token / 4), uint32(r.position), 3, 0}, [2]uint32{uint32(r.seed), 7})[token%4]
							noise = -math.Log(-math.Log(float64(w>>8)/(1<<24) + 1./(1<<25)))
						}
						want[token] = math.Exp((gain*float64(logits[token])/temperatureOf(r) + noise) / tau)
						sum += want[token]
					}
					for token := range int32(v) {
						if d := math.Abs(float64(own[token]) - want[token]/sum); !(d <= 1e-4) {
							t.Fatalf("gain and tau %v: row %d: weight %d is %g, want %g", o, i, token, own[token], want[token]/sum)
						}
					}
					if recorded == nil {
						if alone := smoothed(t, dev, logits, v, smoothRows[i:i+1], o[0], o[1], nil); !slices.Equal(alone, own) {
							t.Errorf("row %d has other weights alone", i)
						}
					}
				}
			}
		}
		// All weight lies on the token that Softmax draws, if tau is small.
		drawn := draw(t, dev, x, v, 1, smoothRows)
		got := smoothed(t, dev, x, v, smoothRows, 1, 1e-3, nil)
		for i, token := range drawn {
			if w := got[i*v+int(token)]; !(w > 0.5) {
				t.Errorf("row %d draws token %d, whose weight is %g", i, token, w)
			}
		}
		f := func(shape ...int) *gpu.Tensor {
			return gputest.F32(t, dev, make([]float32, tensor.Elems(shape)), shape...)
		}
		a := SmoothArgs{Logits: f(2, 8), Draw: gputest.U32(t, dev, make([]int32, 16), 2, 8), Temp: f(2, 3), Gain: 1, Tau: 1, Canvas: gputest.I32(t, dev, []int32{0, 0}, 2), Out: f(2, 8)}
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"tau":      func(r *gpu.Recorder) { b := a; b.Tau = 0; Smooth(r, b) },
			"out":      func(r *gpu.Recorder) { b := a; b.Out = f(2, 7); Smooth(r, b) },
			"recorded": func(r *gpu.Recorder) { b := a; b.Recorded = f(1, 2, 7); Smooth(r, b) },
			"canvas":   func(r *gpu.Recorder) { b := a; b.Recorded, b.Canvas = f(1, 2, 8), nil; Smooth(r, b) },
		})
	})
}

// temperatureOf is what a row's logits are divided by: of the likeliest token alone it does not
// matter.
func temperatureOf(r row) float64 {
	if r.temperature == 0 {
		return 1
	}
	return float64(r.temperature)
}
