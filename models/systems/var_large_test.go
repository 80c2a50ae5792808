package systems_test

import (
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/system"
)

// TestVARD30 opens VAR-d30 by the names and shapes of its tensors, and tells its parameters
// and memory. With MORTON_TEST=all it takes the first step of a picture too, in f16 and
// with weights that are 0. Of equal logits it must draw a token of the book.
func TestVARD30(t *testing.T) {
	w := zeros{varShapes(30)}
	p := must(system.Detect(w))(t)
	s := must(p.Open(nil, w))(t)
	if missing := s.Params.Missing(w); p.Name != "var" || len(missing) > 0 {
		t.Fatalf("%s lacks %d tensors", p.Name, len(missing))
	}
	if n := s.Params.Count(); n < 2.00e9 || n > 2.02e9 || s.Layout.Length != 680 || s.Layout.Group != 256 {
		t.Errorf("%d parameters, %d tokens, at most %d a step", n, s.Layout.Length, s.Layout.Group)
	}
	o := engine.DecoderOptions{Slots: 2}
	bytes := engine.Bytes(s, o)
	t.Logf("%s-d30: %d parameters, %d MB with guidance", p.Title, s.Params.Count(), bytes>>20)
	if bytes < 2*uint64(s.Params.Count()) || bytes > 8<<30 {
		t.Errorf("%d bytes for %d parameters in f16", bytes, s.Params.Count())
	}
	if !gputest.Exhaustive() {
		return
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		begin := time.Now()
		d := must(engine.NewDecoder(dev, s, w, o))(t)
		defer d.Free()
		opened := time.Since(begin)
		runs := runsOf(t, s, system.Prompt{Class: 207})[:2]       // the condition, and the first scale
		if err := d.SetTokens(0, 0, []uint32{5000}); err != nil { // no token of the book
			t.Fatal(err)
		}
		begin = time.Now()
		steps(t, d, 0, runs...)
		t.Logf("opened in %v, steps of %d and %d rows in %v", opened, runs[0].N, runs[1].N, time.Since(begin))
		if x := must(d.Tokens(0, 0, 1))(t); x[0] >= 4096 {
			t.Errorf("token %d of a book of 4096", x[0])
		}
	})
}
