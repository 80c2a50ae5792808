package ops_test

import (
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/tensor"
)

// movers do no arithmetic on floats: they copy, compare, round or count.
var movers = []string{
	"fill", "copy", "bsq/expand", "conv/columns", "conv/columns_adjoint", "conv/taps", "elementwise/narrow", "elementwise/widen", "grammar/faces", "refine/begin", "rows/cut", "rows/gather", "rows/scatter",
	"step/commit", "step/gather",
}

// profiled runs what record makes under a profile.
func profiled(t *testing.T, dev *gpu.Device, record func(*gpu.Recorder)) []gpu.KernelTime {
	t.Helper()
	r := dev.NewRecorder()
	record(r)
	p, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free()
	if n := p.Stats().Guessed; n > 0 {
		t.Errorf("%d of %d dispatches do not say their work", n, p.Stats().Dispatches)
	}
	prof, err := dev.StartProfile()
	if err != nil {
		t.Fatal(err)
	}
	err = p.Run(1)
	prof.Stop()
	if err != nil {
		t.Fatal(err)
	}
	return prof.Kernels()
}

// TestWork holds every operation to saying what it does.
func TestWork(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, record := range families {
			t.Run(name, func(t *testing.T) {
				for _, k := range profiled(t, dev, func(r *gpu.Recorder) { record(bench{t: t, dev: dev}, r) }) {
					if k.Work.Bytes < 4*int64(k.Calls) || (k.Work.Flops > 0) == slices.Contains(movers, k.Kernel) || k.Work.Flops < 0 {
						t.Errorf("%d calls of %s do %+v", k.Calls, k.Kernel, k.Work)
					}
				}
			})
		}
	})
}

// TestWorkByHand counts some operations' work on paper.
func TestWorkByHand(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		b := bench{t: t, dev: dev}
		const n, h, dh = 10, 2, 6
		q, lse := b.f32(n, h*dh), b.f32(h, n)
		causal := attention.Args{Q: q, K: b.f32(n, h*dh), V: b.f32(n, h*dh), Out: b.f32(n, h*dh), B: 1, N: n, Heads: h, HeadDim: dh, KeyQ: b.i32(n, n), LSE: lse}
		half := func(shape ...int) *gpu.Tensor {
			x, err := dev.NewTensor(tensor.F16, shape...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(x.Free)
			return x
		}
		cache := attention.Cache{K: half(2, 64, h*dh), V: half(2, 64, h*dh), Table: b.i32(2, 2, 1)}
		for name, c := range map[string]struct {
			record func(*gpu.Recorder)
			want   gpu.Work
		}{
			"matmul": {func(r *gpu.Recorder) {
				matmul.Record(r, matmul.Args{Layout: matmul.NT, A: b.f32(3, 4), B: b.f32(5, 4), C: b.f32(3, 5)})
			}, gpu.Work{Flops: 2 * 3 * 4 * 5, Bytes: 4 * (3*4 + 5*4 + 3*5)}},
			"embed": {func(r *gpu.Recorder) { // 3 rows of a table of 100, twice
				embed.Sum(r, embed.SumArgs{Table: b.f32(100, 8), IDs: b.i32(9, 3, 2), Out: b.f32(3, 8)})
			}, gpu.Work{Flops: 3 * 2 * 8, Bytes: 4 * (3*2*8 + 3*2 + 3*8)}},
			"norm": {func(r *gpu.Recorder) {
				norm.RMS(r, norm.RMSArgs{X: b.f32(6, 10), Gain: b.f32(10), Out: b.f32(6, 10)})
			}, gpu.Work{Flops: 8 * 60, Bytes: 4 * (2*60 + 10)}},
			"causal attention": {
				func(r *gpu.Recorder) { attention.Forward(r, causal) },
				gpu.Work{Flops: 4 * h * dh * (n * (n + 1) / 2), Bytes: 4 * (4*n*h*dh + h*n + 2*n)},
			},
			"attention over a cache": {func(r *gpu.Recorder) { // rows that see 5, 0 and more than all 64 slots
				seen := gputest.I32(t, dev, []int32{5, -3, 900}, 3)
				attention.Cached(r, attention.CachedArgs{Q: b.f32(3, h*dh), Cache: cache, Out: b.f32(3, h*dh), Heads: h, HeadDim: dh, Seq: b.i32(2, 3), Len: seen})
			}, gpu.Work{Flops: 4 * h * dh * (5 + 64), Bytes: 2*2*h*dh*(5+64) + 4*(2*3*h*dh+2*3)}},
		} {
			if got := profiled(t, dev, c.record); len(got) != 1 || got[0].Work != c.want {
				t.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
		}
	})
}
