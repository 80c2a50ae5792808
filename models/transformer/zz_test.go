package transformer

import (
	"fmt"
	"os"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/step"
)

func BenchmarkZZ(b *testing.B) {
	size := sizes[len(sizes)-1]
	for _, s := range sizes { if s.name == "111M" { size = s } }
	f := randomWeights(b, gputest.Open(b, gpu.Options{}), size.cfg)
	for _, p := range []Precision{"f16", "int8"} {
		for _, batch := range []int{1, 32} {
			if os.Getenv("ZB") != "" && os.Getenv("ZB") != fmt.Sprint(batch) { continue }
			dev := gputest.Open(b, gpu.Options{Grain: size.cfg.StepGrain(batch)})
			const steps, until = 16, 256
			dec := must(NewDecoder(dev, size.cfg, f, DecoderOptions{Slots: batch, Precision: p}))(b)
			lanes := make([]Lane, batch)
			for i := range lanes {
				check(b, dec.SetSampling(i, step.Sampling{Seed: 1, Request: uint32(i), Temperature: 1, TopP: 1, End: -1}))
				check(b, dec.Load(i, 0, plain(size.cfg, until).Plan, nil))
				lanes[i] = Lane{Slot: i, Limit: until}
			}
			check(b, dec.Step(lanes, steps))
			prof := must(dev.StartProfile())(b)
			n := 0
			for lanes[0].Cursor < until { check(b, dec.Step(lanes, steps)); n += steps }
			prof.Stop()
			fmt.Println(p, batch)
			for _, k := range prof.Kernels() {
				fmt.Printf("%-26s %-60s %5.1f/step %8.3f ms/step %+v\n", k.Kernel, k.Detail, float64(k.Calls)/float64(n), k.Time.Seconds()*1e3/float64(n), k.Work)
			}
			dec.Free()
		}
	}
}
