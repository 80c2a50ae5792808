package grammar

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
)

type vertex [3]int32 // z, x, y

// oracle says by the definitions which tokens may follow: it tries every
// completion of a vertex instead of reckoning with bounds.
type oracle struct {
	levels int32
	faces  [][]vertex // whole ones
}

// read splits a prefix into whole faces and the tokens of the one that is open.
func read(levels int32, prefix []int32) (oracle, []int32) {
	o := oracle{levels: levels}
	for ; len(prefix) >= 12; prefix = prefix[12:] {
		tokens := prefix[:12]
		if tokens[0] == levels {
			tokens = tokens[3:]
		}
		o.faces = append(o.faces, vertices(tokens))
	}
	return o, prefix
}

func vertices(tokens []int32) (out []vertex) {
	for ; len(tokens) >= 3; tokens = tokens[3:] {
		out = append(out, vertex(tokens[:3]))
	}
	return out
}

// ordered reports whether a face that begins with corners, n in all, can still
// come behind the face before.
func (o *oracle) ordered(corners []vertex, n int) bool {
	for _, c := range corners[1:] {
		if slices.Compare(c[:], corners[0][:]) <= 0 {
			return false
		}
	}
	if len(o.faces) == 0 {
		return true
	}
	before := o.faces[len(o.faces)-1]
	for i, c := range corners {
		if i == len(before) {
			return true
		}
		if d := slices.Compare(c[:], before[i][:]); d != 0 {
			return d > 0
		}
	}
	return len(corners) < n || n > len(before)
}

// repeats reports whether the last of corners, of a face of n, closes an edge that
// another face runs along in the same direction.
func (o *oracle) repeats(corners []vertex, n int) bool {
	last := len(corners) - 1
	if last < 1 {
		return false
	}
	for _, f := range o.faces {
		for k := range f {
			a, b := f[k], f[(k+1)%len(f)]
			if a == corners[last-1] && b == corners[last] || len(corners) == n && a == corners[last] && b == corners[0] {
				return true
			}
		}
	}
	return false
}

// allowed returns the tokens that may follow the prefix.
func allowed(levels int32, prefix []int32) map[int32]bool {
	o, open := read(levels, prefix)
	if len(open) == 0 {
		out := coordinates(levels, func(z int32) bool { return o.completes(nil, []int32{z}, 4) })
		out[levels] = true
		if len(o.faces) > 0 {
			out[levels+1] = true
		}
		return out
	}
	n := 4
	if open[0] == levels {
		if len(open) < 3 {
			return map[int32]bool{levels: true}
		}
		open, n = open[3:], 3
	}
	whole, part := vertices(open), open[len(open)/3*3:]
	next := func(t int32) []int32 { return append(slices.Clone(part), t) }
	order := coordinates(levels, func(t int32) bool { return o.completes(whole, next(t), n) })
	if len(order) == 0 {
		order = coordinates(levels, func(int32) bool { return true })
	}
	if len(part) < 2 {
		return order
	}
	corners := func(t int32) []vertex { return append(slices.Clone(whole), vertex(next(t))) }
	distinct := coordinates(levels, func(t int32) bool { return order[t] && !slices.Contains(whole[min(len(whole), 1):], vertex(next(t))) })
	if len(distinct) == 0 {
		return order
	}
	edges := coordinates(levels, func(t int32) bool { return distinct[t] && !o.repeats(corners(t), n) })
	if len(edges) == 0 {
		return distinct
	}
	return edges
}

// completes reports whether some vertex that begins with part keeps the order.
func (o *oracle) completes(whole []vertex, part []int32, n int) bool {
	if len(part) == 3 {
		return o.ordered(append(slices.Clone(whole), vertex(part)), n)
	}
	for t := range o.levels {
		if o.completes(whole, append(slices.Clone(part), t), n) {
			return true
		}
	}
	return false
}

func coordinates(levels int32, ok func(int32) bool) map[int32]bool {
	out := map[int32]bool{}
	for t := range levels {
		if ok(t) {
			out[t] = true
		}
	}
	return out
}

// walk draws a sequence in which every token is one the oracle allows, for as long
// as its faces last.
func walk(r *rand.Rand, levels int32, faces int) []int32 {
	var out []int32
	for len(out) < faces*12 {
		var choice []int32
		for t := range allowed(levels, out) {
			// Low coordinates, or the order would end the sequence soon.
			if t != levels+1 && (t >= levels || int(t) <= 1+len(out)/(4*faces)*int(levels) || r.IntN(3) == 0) {
				choice = append(choice, t)
			}
		}
		if len(choice) == 0 {
			for t := range allowed(levels, out) {
				choice = append(choice, t)
			}
		}
		slices.Sort(choice)
		t := choice[r.IntN(len(choice))]
		if t == levels+1 {
			break
		}
		out = append(out, t)
	}
	return out
}

// TestFacesMatchesTheDefinitions compares whole rows of masks, at every position
// of random sequences over few levels, where the rules collide all the time.
func TestFacesMatchesTheDefinitions(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, levels := range []int32{2, 3, 5} {
			for seed := range uint64(4) {
				tokens := walk(rand.New(rand.NewPCG(seed, uint64(levels))), levels, 24)
				masks := faces(t, dev, levels, 3, tokens)
				for i, got := range masks {
					if want := allowed(levels, tokens[:i]); fmt.Sprint(got) != fmt.Sprint(want) {
						t.Fatalf("levels %d, seed %d: after %v the mask is %v, want %v", levels, seed, tokens[i/12*12:i], got, want)
					}
				}
			}
		}
	})
}

// faces runs the kernel at every position behind start, in slot 1 of 2.
func faces(t *testing.T, dev *gpu.Device, levels int32, start int, tokens []int32) []map[int32]bool {
	t.Helper()
	length := start + len(tokens) + 1
	table, seq, draw := make([]int32, 2*length), []int32{}, []int32{}
	copy(table[length+start:], tokens)
	for i := range len(tokens) + 1 {
		seq = append(seq, 1)
		draw = append(draw, 0, 0, 0, int32(start+i), 0, levels+2, 0, 1)
	}
	words := sample.MaskWords(int(levels) + 2)
	out, err := dev.NewTensor(tensor.U32, len(seq), words)
	if err != nil {
		t.Fatal(err)
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		r.Copy(out, Faces(r, FacesArgs{
			Tokens: gputest.U32(t, dev, table, 2, length, 1), Seq: gputest.I32(t, dev, seq, len(seq)),
			Draw: gputest.U32(t, dev, draw, len(seq), sample.DrawWords), Levels: int(levels), Start: start,
		}))
	})
	raw, err := out.I32()
	if err != nil {
		t.Fatal(err)
	}
	var masks []map[int32]bool
	for row := range len(seq) {
		m := map[int32]bool{}
		for v := range int32(words * 32) {
			if uint32(raw[row*words+int(v)/32])>>(v%32)&1 == 1 {
				m[v] = true
			}
		}
		masks = append(masks, m)
	}
	return masks
}

func TestFacesRefuses(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		tokens, seq, draw := gputest.U32(t, dev, make([]int32, 8), 1, 8, 1), gputest.I32(t, dev, []int32{0}, 1), gputest.U32(t, dev, make([]int32, 8), 1, 8)
		optest.Refused(t, dev, map[string]func(r *gpu.Recorder){
			"levels": func(r *gpu.Recorder) { Faces(r, FacesArgs{Tokens: tokens, Seq: seq, Draw: draw, Levels: 1}) },
			"start":  func(r *gpu.Recorder) { Faces(r, FacesArgs{Tokens: tokens, Seq: seq, Draw: draw, Levels: 4, Start: 8}) },
			"draw":   func(r *gpu.Recorder) { Faces(r, FacesArgs{Tokens: tokens, Seq: seq, Draw: seq, Levels: 4}) },
			"none":   func(r *gpu.Recorder) { Faces(r, FacesArgs{Seq: seq, Draw: draw, Levels: 4}) },
		})
	})
}

func BenchmarkFaces(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const levels, count, rows = 128, 400, 8
	tokens := make([]int32, 12*count)
	for i := range tokens {
		tokens[i] = int32(i) * 7919 % levels
	}
	draw := make([]int32, 0, rows*sample.DrawWords)
	for range rows {
		draw = append(draw, 0, 0, 0, 12*count-1, 0, levels+2, 0, 1)
	}
	t, s, d := gputest.U32(b, dev, tokens, 1, 12*count, 1), gputest.I32(b, dev, make([]int32, rows), rows), gputest.U32(b, dev, draw, rows, sample.DrawWords)
	optest.Bench(b, dev, 4*12*count*rows, rows, func(r *gpu.Recorder) { Faces(r, FacesArgs{Tokens: t, Seq: s, Draw: d, Levels: levels}) })
}
