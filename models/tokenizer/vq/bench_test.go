package vq

import (
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// BenchmarkDecode measures the published tokenizer with random weights, and logs which
// kernels take the time.
func BenchmarkDecode(b *testing.B) { benchmark(b, false) }

// BenchmarkEncode is the other way.
func BenchmarkEncode(b *testing.B) { benchmark(b, true) }

func benchmark(b *testing.B, encodes bool) {
	cfg, err := Preset("VQ-16")
	if err != nil {
		b.Fatal(err)
	}
	dev := gputest.Open(b, gpu.Options{})
	c := open(b, dev, cfg, random(cfg), Options{H: 256, W: 256})
	b.Run("VQ-16/256x256", func(b *testing.B) {
		run := func() {
			var err error
			if encodes {
				_, err = c.Encode(make([]uint8, 256*256*3), 256, 256)
			} else {
				_, err = c.Decode(make([]uint32, 256), 16, 16)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		run() // compiles
		b.ReportAllocs()
		report := gputest.Processor(b)
		for b.Loop() {
			run()
		}
		report()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		b.StopTimer()
		logProfile(b, dev, run)
	})
}

// logProfile logs the kernels that take most of the time.
func logProfile(b *testing.B, dev *gpu.Device, run func()) {
	p, err := dev.StartProfile()
	if err != nil {
		b.Fatal(err)
	}
	run()
	p.Stop()
	var total float64
	for _, k := range p.Kernels() {
		total += k.Time.Seconds()
	}
	for i, k := range p.Kernels() {
		if i == 9 {
			break
		}
		s := k.Time.Seconds()
		b.Logf("%5.1f%% %7.3f s %4d calls of %s %s: %.1f GFLOP/s, %.1f GB/s", 100*s/total, s, k.Calls, k.Kernel, k.Detail,
			float64(k.Work.Flops)/s/1e9, float64(k.Work.Bytes)/s/1e9)
	}
}
