package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	codec "github.com/morton-gen/morton/codecs/cube"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/systems"
)

// wheel is a system of frames of 1 by 4 cells of 8 bits, whose guess of a frame is the one
// before with cells a place on.
func wheel() *system.System {
	return wheelOf(order.Cubes{Groups: codec.Groups{H: 1, W: 4, Size: codec.Size{T: 1, H: 1, W: 4}}, Around: true})
}

func wheelOf(c order.Cubes) *system.System {
	d := systems.Decoder{
		Width: 24, Layers: 1, Heads: 4, Hidden: 48, RopePairs: []int{1, 1, 1}, RopeTheta: 100,
		Static: 1, StaticRows: 1, Features: (8+c.Ids())/2*2 + 2, Fed: c.Fed(), Bits: 8, Context: 64, Length: 64, Group: c.Together(),
	}
	s := d.System()
	s.Schedule = func(p system.Prompt) (system.Schedule, error) {
		bits := d.Features - c.Ids() // the last is none, if it makes the number of features even
		return c.Guessed(p.Frames, p.Given, 1, bits, func(codes []uint32) (soft []float32) {
			for cell := range codes {
				for bit := range bits {
					soft = append(soft, 0.8*float32(sign(int(codes[(cell+len(codes)-1)%len(codes)]>>bit&1))))
				}
			}
			return soft
		})
	}
	return s
}

// turning are the tokens of frames that turn, with a share of wrong bits.
func turning(r *rand.Rand, frames int, wrong float64) (tokens []uint32) {
	base := []uint32{r.Uint32() & 255, r.Uint32() & 255, r.Uint32() & 255, r.Uint32() & 255}
	for range frames {
		for cell := range base {
			x := base[cell]
			for bit := range 8 {
				if r.Float64() < wrong {
					x ^= 1 << bit
				}
			}
			tokens = append(tokens, x)
		}
		base = slices.Concat(base[3:], base[:3])
	}
	return tokens
}

// TestBlendTrustsTheGuess fits a blend to frames that turn. What the bit before says is no
// use, and the guess is wrong as often as two noisy bits differ.
func TestBlendTrustsTheGuess(t *testing.T) {
	s, r := wheel(), rand.New(rand.NewPCG(1, 2))
	const noise = 0.05
	b, tables := NewBlend(s), NewTables(s)
	var held []Window
	for i := range 60 {
		q := must(Flatten(s, system.Prompt{Frames: 8}, turning(r, 8, noise)))(t)
		if i < 50 {
			b.Count(q)
			tables.Count(q)
		} else {
			held = append(held, Window{Seq: q, To: q.N})
		}
	}
	b.Fit()
	const differ = 2 * noise * (1 - noise)
	before, guess, bias := b.Weights()
	for bit, wrong := range b.Wrong() {
		if first := 1.0 / 8; math.Abs(wrong-(differ+(0.5-differ)*first)) > 0.04 { // the first frame has no guess
			t.Errorf("bit %d is wrong in %.3f", bit, wrong)
		}
		if math.Abs(float64(before[bit])) > 0.6 || math.Abs(float64(bias[bit])) > 0.6 || math.Abs(0.8*float64(guess[bit])-math.Log((1-differ)/differ)) > 0.7 {
			t.Errorf("bit %d has weights %.2f, %.2f and %.2f", bit, before[bit], guess[bit], bias[bit])
		}
	}
	windows := func(visit func(Window)) error {
		for _, w := range held {
			visit(w)
		}
		return nil
	}
	line, lines := must(b.Line(windows))(t), must(tables.Lines(windows))(t)
	if line.Value > 0.7*lines[1].Value {
		t.Errorf("the blend has %.3f nats, the bigram table %.3f", line.Value, lines[1].Value)
	}
}

// TestDriftTurnsByItself lets samples drift. From some frame on, rows are fed what follows
// from the frame before that by the guess; what they predict is the sample.
func TestDriftTurnsByItself(t *testing.T) {
	s, r := wheel(), rand.New(rand.NewPCG(7, 2))
	b := NewBlend(s)
	for range 20 {
		b.Count(must(Flatten(s, system.Prompt{Frames: 8}, turning(r, 8, 0.02)))(t))
	}
	b.Fit()
	d, drifted := &Drift{Blend: b, Share: 0.5}, 0
	for range 40 {
		tokens := turning(r, 8, 0.3)
		clean := must(Flatten(s, system.Prompt{Frames: 8}, tokens))(t)
		q := must(d.lay(s, system.Prompt{Frames: 8}, tokens))(t)
		if !slices.Equal(q.Tokens, tokens) || q.N != clean.N || !slices.Equal(q.Draws.At, clean.Draws.At) || !slices.Equal(q.Inputs, clean.Inputs) {
			t.Fatal("the sample is another")
		}
		if q.Fed == nil {
			if !slices.Equal(q.Features, clean.Features) {
				t.Error("a sample without drift has other features")
			}
			continue
		}
		drifted++
		from := 0
		for from < len(tokens) && q.Fed[from] == tokens[from] {
			from++
		}
		from = from / 4 * 4
		for at := from + 4; at < len(tokens); at++ {
			if q.Fed[at] != q.Fed[at-4-at%4+(at+3)%4] {
				t.Fatalf("position %d is fed %x of %x", at, q.Fed[at], q.Fed)
			}
		}
		if w := (&Window{Seq: q}).noisy(s.Token); !slices.Equal(w, q.Fed) {
			t.Error("rows are not fed what drifted")
		}
		if again := must(d.lay(s, system.Prompt{Frames: 8}, tokens))(t); !slices.Equal(again.Fed, q.Fed) {
			t.Error("a sample drifts in two ways")
		}
	}
	if drifted < 10 || drifted > 30 {
		t.Errorf("%d of 40 samples drift", drifted)
	}
}

// TestDriftTrustsItsOwnFrame lets samples of frames drift that are predicted in four sets. The
// cells of earlier frames that rows are fed have drifted, those of their own frame have not.
func TestDriftTrustsItsOwnFrame(t *testing.T) {
	s := wheelOf(order.Cubes{Groups: codec.Groups{H: 2, W: 2, Size: codec.Size{T: 1, H: 2, W: 2}, Sets: 4}, Around: true})
	s.Layout.Unit = 4
	r := rand.New(rand.NewPCG(7, 2))
	b := NewBlend(s)
	for range 20 {
		b.Count(must(Flatten(s, system.Prompt{Frames: 8}, turning(r, 8, 0.02)))(t))
	}
	b.Fit()
	own, before := 0, 0
	for range 20 {
		tokens := turning(r, 8, 0.3)
		clean := must(Flatten(s, system.Prompt{Frames: 8}, tokens))(t)
		q := must((&Drift{Blend: b, Share: 1}).lay(s, system.Prompt{Frames: 8}, tokens))(t)
		for i, from := range clean.Inputs {
			at := i / s.Layout.Inputs // rows are positions
			switch {
			case from < 0 && q.Inputs[i] != from:
				t.Fatalf("row %d is fed position %d, want none", at, q.Inputs[i])
			case int(from) >= at/4*4:
				if own++; q.Fed[q.Inputs[i]] != tokens[from] {
					t.Fatalf("row %d is fed another token of its own frame", at)
				}
			case from >= 0:
				if before++; q.Inputs[i] != from {
					t.Fatalf("row %d is fed position %d, want %d", at, q.Inputs[i], from)
				}
			}
		}
	}
	if own == 0 || before == 0 {
		t.Errorf("%d fed cells of the own frame, %d of others", own, before)
	}
}

// TestGuessWhenGenerating draws the likeliest codes behind two frames, alone and in
// company. The network that trains finds each of their bits the likeliest too: features
// are the same in both.
func TestGuessWhenGenerating(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := wheel()
		const frames, given = 6, 8
		net := must(NewNetwork(dev, s, 1, 4*frames, NetworkOptions{}))(t)
		defer net.Free()
		check(t, net.Store().Init(3))
		path := filepath.Join(t.TempDir(), "w.safetensors")
		check(t, net.Store().Save(path, safetensors.F32, false, nil))
		f := must(safetensors.Open(path))(t)
		defer f.Close()
		e := must(engine.New(dev, s, nn.File(f), engine.Options{Slots: 2, Precision: nn.F32}))(t)
		defer e.Close()
		r := rand.New(rand.NewPCG(3, 9))
		prompts := [][]uint32{turning(r, given/4, 0), turning(r, given/4, 0)}
		var drawn [3][]uint32
		draw := func(i, prompt int) {
			p := system.Prompt{Frames: frames, Given: prompts[prompt]}
			out, err := e.Generate(context.Background(), engine.Request{
				ID: fmt.Sprint(i), TopP: 1, End: -1, Tokens: p.Given, Schedule: func() (system.Schedule, error) { return s.Schedule(p) },
			})
			if err != nil {
				t.Error(err)
				return
			}
			drawn[i] = out.Tokens
		}
		draw(0, 0)
		var wait sync.WaitGroup
		for i := 1; i < 3; i++ {
			wait.Go(func() { draw(i, i-1) })
		}
		wait.Wait()
		if len(drawn[0]) != 4*frames || !slices.Equal(drawn[0], drawn[1]) || slices.Equal(drawn[1], drawn[2]) {
			t.Fatalf("alone %x, in company %x; another prompt %x", drawn[0], drawn[1], drawn[2])
		}
		loss := func(tokens []uint32) float64 {
			q := must(Flatten(s, system.Prompt{Frames: frames}, drawn[0]))(t)
			q.Fed, q.Tokens = drawn[0], tokens
			must(net.SetBatch([]Window{{Seq: q, To: q.N}}))(t)
			return must(net.Forward())(t)
		}
		least := loss(drawn[0])
		for at := given; at < 4*frames; at++ {
			other := slices.Clone(drawn[0])
			other[at] ^= 1 << (at % 8)
			if l := loss(other); l <= least {
				t.Errorf("position %d: with a bit turned over the loss is %g, without %g", at, l, least)
			}
		}
	})
}
