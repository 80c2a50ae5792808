package larp

import (
	"fmt"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// random draws the weights of a description.
func random(c Config) fake {
	codes := gputest.Normal(1, c.Codes*c.CodeWidth)
	f := fake{CodesName: {[]int{c.Codes, c.CodeWidth}, codes}}
	for _, n := range []*net{c.encoder(codes), c.decoder(codes)} {
		for i, s := range n.list.Specs() {
			x := gputest.Normal(uint64(i), 1<<16)[:min(1<<16, tensor.Elems(s.Shape))]
			x = slices.Repeat(x, (tensor.Elems(s.Shape)+len(x)-1)/len(x))[:tensor.Elems(s.Shape)]
			for j := range x {
				x[j] *= 0.02
			}
			f[s.Name] = fakeTensor{s.Shape, x}
		}
	}
	return f
}

// BenchmarkLong is LARP-L-long, both ways, with random weights: 16 frames of 128 by 128.
func BenchmarkLong(b *testing.B) {
	c, err := Describe(nil, long())
	if err != nil {
		b.Fatal(err)
	}
	w := random(c)
	dev := gputest.Open(b, gpu.Options{})
	codec := open(b, dev, c, w, Options{})
	planned, err := Bytes(c, w, Options{})
	if err != nil {
		b.Fatal(err)
	}
	arena := codec.enc.run.Stats().ArenaBytes + codec.dec.run.Stats().ArenaBytes
	b.ReportMetric(float64(planned), "planned-B")
	b.Logf("%d bytes planned, %d of programs", planned, arena)
	pix := picture(c, 0)
	tokens, err := codec.Encode(pix)
	if err != nil {
		b.Fatal(err)
	}
	for name, run := range map[string]func() error{
		"encode": func() error { _, err := codec.Encode(pix); return err },
		"decode": func() error { _, err := codec.Decode(tokens); return err },
	} {
		b.Run(fmt.Sprintf("%s/tokens=%d", name, c.Tokens), func(b *testing.B) {
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.Frames*b.N)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}
