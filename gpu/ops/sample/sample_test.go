package sample

import (
	"errors"
	"maps"
	"math"
	"slices"
	"sort"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// The known answers of Philox4x32-10 that its authors publish.
var answers = []struct {
	ctr [4]uint32
	key [2]uint32
	out [4]uint32
}{
	{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
	{
		[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
		[2]uint32{0xffffffff, 0xffffffff},
		[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
	},
	{
		[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
		[2]uint32{0xa4093822, 0x299f31d0},
		[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
	},
}

func TestPhiloxKnownAnswers(t *testing.T) {
	for _, a := range answers {
		if got := Philox(a.ctr, a.key); got != a.out {
			t.Errorf("Philox(%x, %x) = %x, want %x", a.ctr, a.key, got, a.out)
		}
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		var ctr, key, want []int32
		for _, a := range answers {
			for _, x := range a.ctr {
				ctr = append(ctr, int32(x))
			}
			key = append(key, int32(a.key[0]), int32(a.key[1]))
			for _, x := range a.out {
				want = append(want, int32(x))
			}
		}
		out := gputest.I32(t, dev, make([]int32, len(want)), len(answers), 4)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			r.Dispatch(gpu.Call{
				Kernel: launch.Kernel(shaders, "sample", "philox"), Grid: gpu.Linear(1),
				In:  []*gpu.Tensor{gputest.I32(t, dev, ctr, len(answers), 4), gputest.I32(t, dev, key, len(answers), 2)},
				Out: []*gpu.Tensor{out}, Params: []uint32{uint32(len(answers))},
			})
		})
		got, err := out.I32()
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("word %d = %x, want %x", i, uint32(got[i]), uint32(want[i]))
			}
		}
	})
}

type row struct {
	seed, position, lo, hi, k int32
	temperature, p, least     float32
}

func draw(t *testing.T, dev *gpu.Device, logits []float32, v, s int, rows []row) []int32 {
	t.Helper()
	return drawMasked(t, dev, logits, v, s, rows, nil)
}

func drawMasked(t *testing.T, dev *gpu.Device, logits []float32, v, s int, rows []row, mask *gpu.Tensor) []int32 {
	t.Helper()
	var d []int32
	var temp []float32
	for _, r := range rows {
		d = append(d, r.seed, 7, 3, r.position, r.lo, r.hi, r.k, 1)
		temp = append(temp, r.temperature, r.p, r.least)
	}
	out, err := dev.NewTensor(tensor.U32, len(rows), s)
	if err != nil {
		t.Fatal(err)
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Softmax(r, SoftmaxArgs{
			Logits: gputest.F32(t, dev, logits, len(rows)*s, v), S: s, Out: out, Mask: mask,
			Draw: gputest.U32(t, dev, d, len(rows), DrawWords), Temp: gputest.F32(t, dev, temp, len(rows), 3),
		})
	})
	got, err := out.I32()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// allowed is the float64 oracle of the filters: the tokens that may be drawn,
// with their probabilities.
func allowed(x []float32, r row) map[int32]float64 {
	var ids []int
	for i := int(r.lo); i < int(r.hi) && i < len(x); i++ {
		ids = append(ids, i)
	}
	sort.SliceStable(ids, func(a, b int) bool { return x[ids[a]] > x[ids[b]] })
	if r.k > 0 && int(r.k) < len(ids) {
		ids = ids[:r.k]
	}
	total, out := 0.0, map[int32]float64{}
	weight := func(i int) float64 { return math.Exp(float64(x[i]-x[ids[0]]) / float64(r.temperature)) }
	for _, i := range ids {
		total += weight(i)
	}
	kept := 0.0
	for _, i := range ids {
		if kept >= float64(r.p)*total || weight(i) < float64(r.least) {
			break
		}
		kept += weight(i)
		out[int32(i)] = weight(i)
	}
	for i := range out {
		out[i] /= kept
	}
	return out
}

// TestSoftmaxFrequencies draws many positions of one row and holds the counts to
// the oracle's probabilities by a chi-square bound (99.99%).
func TestSoftmaxFrequencies(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const v, n = 37, 20000
		x := gputest.Normal(9, v)
		for name, r := range map[string]row{
			"plain":       {hi: v, temperature: 1, p: 1},
			"temperature": {hi: v, temperature: 0.5, p: 1},
			"range":       {lo: 5, hi: 17, temperature: 1, p: 1},
			"top-k":       {hi: v, k: 6, temperature: 1, p: 1},
			"top-p":       {hi: v, temperature: 1, p: 0.7},
			"min-p":       {hi: v, temperature: 1.5, p: 1, least: 0.3},
			"all":         {lo: 2, hi: 30, k: 12, temperature: 0.8, p: 0.9, least: 0.05},
		} {
			frequencies(t, dev, name, x, allowed(x, r), r, n, nil)
		}
	})
}

// TestMaskFrequencies leaves every third token, and one of the ends, out.
func TestMaskFrequencies(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const v, n = 70, 20000
		x := gputest.Normal(11, v)
		left := append([]float32(nil), x...)
		words := make([]int32, MaskWords(v))
		for i := range v {
			if i%3 == 0 || i == v-1 {
				left[i] = float32(math.Inf(-1))
				x[i] += 9 // what the mask excludes would win
				continue
			}
			words[i/32] |= 1 << (i % 32)
		}
		mask := gputest.U32(t, dev, slices.Repeat(words, n), n, MaskWords(v))
		for name, r := range map[string]row{
			"plain":    {hi: v, temperature: 1, p: 1},
			"filters":  {hi: v, k: 12, temperature: 0.8, p: 0.9},
			"few left": {lo: 40, hi: 46, k: 5, temperature: 1, p: 0.95},
		} {
			want := allowed(left, r)
			maps.DeleteFunc(want, func(_ int32, p float64) bool { return p == 0 })
			frequencies(t, dev, name, x, want, r, n, mask)
		}
	})
}

// frequencies draws n positions of the row x and holds the counts to want.
func frequencies(t *testing.T, dev *gpu.Device, name string, x []float32, want map[int32]float64, r row, n int, mask *gpu.Tensor) {
	t.Helper()
	rows, logits := make([]row, n), make([]float32, 0, n*len(x))
	for i := range rows {
		rows[i] = r
		rows[i].seed, rows[i].position = 42, int32(i)
		logits = append(logits, x...)
	}
	counts := map[int32]float64{}
	for _, tok := range drawMasked(t, dev, logits, len(x), 1, rows, mask) {
		counts[tok]++
	}
	chi := 0.0
	for tok := range counts {
		if want[tok] == 0 {
			t.Errorf("%s: token %d drawn, which the filters exclude", name, tok)
		}
	}
	for tok, p := range want {
		d := counts[tok] - p*float64(n)
		chi += d * d / (p * float64(n))
	}
	dof := float64(len(want) - 1)
	if bound := dof + 4*math.Sqrt(2*dof) + 10; chi > bound {
		t.Errorf("%s: chi-square %.1f with %g degrees of freedom, bound %.1f", name, chi, dof, bound)
	}
}

func TestSoftmaxGreedyAndEdges(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := []float32{1, 5, 5, -2, 0, 9, 3, 3}
		cases := []struct {
			r    row
			want int32
		}{
			{row{hi: 8, p: 1}, 5},
			{row{hi: 5, p: 1}, 1}, // a tie goes to the lower token
			{row{lo: 3, hi: 5, p: 1}, 4},
			{row{lo: 6, hi: 7, temperature: 1, p: 1}, 6},
			{row{hi: 8, k: 1, temperature: 5, p: 1}, 5},
			{row{hi: 8, temperature: 5, p: 1e-6}, 5},
			{row{hi: 8, temperature: 5, p: 1, least: 1}, 5},
			{row{hi: 8, p: 1, least: 0.5}, 5},
		}
		for i, c := range cases {
			if got := draw(t, dev, x, 8, 1, []row{c.r}); got[0] != c.want {
				t.Errorf("case %d: token %d, want %d", i, got[0], c.want)
			}
		}
	})
}

// TestDrawsDoNotDependOnTheBatch draws rows alone and together.
func TestDrawsDoNotDependOnTheBatch(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const v, s, n = 300, 4, 9
		x := gputest.Normal(5, n*s*v)
		rows := make([]row, n)
		for i := range rows {
			rows[i] = row{seed: int32(i), position: int32(3 * i), hi: v, k: 50, temperature: 0.9, p: 0.95}
		}
		all := draw(t, dev, x, v, s, rows)
		for i := range rows {
			one := draw(t, dev, x[i*s*v:(i+1)*s*v], v, s, rows[i:i+1])
			for j := range one {
				if one[j] != all[i*s+j] {
					t.Errorf("row %d, sub-token %d: %d alone, %d in the batch", i, j, one[j], all[i*s+j])
				}
			}
		}
	})
}

func TestBitsMatchOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, l = 400, 45
		x := gputest.Normal(6, n*l)
		var d []int32
		var temp []float32
		for i := range n {
			d = append(d, 11, 12, 5, int32(i), 0, 0, 0, 1)
			temp = append(temp, float32(i%3)*0.5, 1)
		}
		out, err := dev.NewTensor(tensor.U32, n, 2)
		if err != nil {
			t.Fatal(err)
		}
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Bits(r, BitsArgs{
				Logits: gputest.F32(t, dev, x, n, l), Out: out,
				Draw: gputest.U32(t, dev, d, n, DrawWords), Temp: gputest.F32(t, dev, temp, n, 2),
			})
		})
		got, err := out.I32()
		if err != nil {
			t.Fatal(err)
		}
		for r := range n {
			for i := range l {
				p := 1 / (1 + math.Exp(-float64(x[r*l+i])/float64(temp[2*r])))
				u := float64(Philox([4]uint32{uint32(i / 4), uint32(r), 5, 0}, [2]uint32{11, 12})[i%4]>>8) / (1 << 24)
				want := u < p
				if temp[2*r] == 0 {
					want = x[r*l+i] > 0
				} else if math.Abs(u-p) < 1e-6 {
					continue // on the edge a rounding may go either way
				}
				if one := uint32(got[r*2+i/32])>>(i%32)&1 == 1; one != want {
					t.Fatalf("row %d bit %d: %v, want %v (p=%g, u=%g)", r, i, one, want, p, u)
				}
			}
		}
	})
}

// TestPairsOfLogits draws bits from two logits each, in rows of a word more than the code
// has. They are those of the logits' differences, and the word is 0.
func TestPairsOfLogits(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, l = 60, 45
		x, pairs := gputest.Normal(6, n*l), make([]float32, 2*n*l)
		var d []int32
		var temp []float32
		for i := range n {
			d = append(d, 11, 12, 5, int32(i), 0, 0, 0, 1)
			temp = append(temp, float32(i%3)*0.5, 1)
		}
		for i, y := range x {
			zero := float32(i%7) - 3
			pairs[2*i], pairs[2*i+1] = zero, zero+y
			x[i] = pairs[2*i+1] - pairs[2*i] // as it is rounded
		}
		draw := func(logits []float32, paired bool, words int) []int32 {
			out := gputest.U32(t, dev, slices.Repeat([]int32{-1}, n*words), n, words)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Bits(r, BitsArgs{
					Logits: gputest.F32(t, dev, logits, n, len(logits)/n), Out: out, Pairs: paired,
					Draw: gputest.U32(t, dev, d, n, DrawWords), Temp: gputest.F32(t, dev, temp, n, 2),
				})
			})
			got, err := out.I32()
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		want, got := draw(x, false, 2), draw(pairs, true, 3)
		for i := range n {
			if !slices.Equal(got[3*i:3*i+2], want[2*i:2*i+2]) || got[3*i+2] != 0 {
				t.Fatalf("row %d: %x, want %x", i, got[3*i:3*i+3], want[2*i:2*i+2])
			}
		}
		r := dev.NewRecorder()
		Bits(r, BitsArgs{Logits: gputest.F32(t, dev, x, n, l), Pairs: true, Out: gputest.U32(t, dev, d, n, DrawWords), Draw: gputest.U32(t, dev, d, n, DrawWords), Temp: gputest.F32(t, dev, temp, n, 2)})
		if _, err := r.Finish(); !errors.Is(err, gpu.ErrShape) {
			t.Errorf("an odd number of logits: %v", err)
		}
	})
}

// TestMissingSubTokensAreZero checks rows of which only the first sub-tokens exist.
func TestMissingSubTokensAreZero(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const v, s = 10, 4
		x := make([]float32, s*v)
		for i := range x {
			x[i] = float32(i % v)
		}
		got := draw(t, dev, x, v, s, []row{{lo: 1, hi: Existing(v, 2), p: 1}})
		for i, want := range []int32{9, 9, 0, 0} {
			if got[i] != want {
				t.Errorf("sub-token %d = %d, want %d", i, got[i], want)
			}
		}
	})
}

func TestShapes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		logits, temp := gputest.F32(t, dev, make([]float32, 80), 2, 40), gputest.F32(t, dev, make([]float32, 4), 2, 2)
		draw, out := gputest.U32(t, dev, make([]int32, 2*DrawWords), 2, DrawWords), gputest.U32(t, dev, make([]int32, 2), 2)
		signed := gputest.I32(t, dev, make([]int32, 2*DrawWords), 2, DrawWords)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"no logits":   func(r *gpu.Recorder) { Softmax(r, SoftmaxArgs{Draw: draw, Temp: temp, Out: out}) },
			"draw's type": func(r *gpu.Recorder) { Softmax(r, SoftmaxArgs{Logits: logits, Draw: signed, Temp: temp, Out: out}) },
			"no temp":     func(r *gpu.Recorder) { Softmax(r, SoftmaxArgs{Logits: logits, Draw: draw, Out: out}) },
			"sub-tokens":  func(r *gpu.Recorder) { Softmax(r, SoftmaxArgs{Logits: logits, Draw: draw, Temp: temp, Out: out, S: 2}) },
			"odd rows":    func(r *gpu.Recorder) { Softmax(r, SoftmaxArgs{Logits: logits, Draw: draw, Temp: temp, Out: out, S: 3}) },
			"words":       func(r *gpu.Recorder) { Bits(r, BitsArgs{Logits: logits, Draw: draw, Temp: temp, Out: out}) },
			"no output":   func(r *gpu.Recorder) { Bits(r, BitsArgs{Logits: logits, Draw: draw, Temp: temp}) },
		})
	})
}
