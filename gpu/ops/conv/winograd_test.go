package conv

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// winogradShapes: odd extents leave tiles that hang over; the last takes two blocks.
var winogradShapes = map[string]Shape{
	"one":        {H: 1, W: 1, Cin: 2, Cout: 2, Pad: [3][2]int{{}, {1, 1}, {1, 1}}},
	"odd":        {B: 2, H: 7, W: 5, Cin: 6, Cout: 4, Pad: [3][2]int{{}, {1, 1}, {1, 1}}},
	"bare":       {H: 6, W: 9, Cin: 18, Cout: 2},
	"one side":   {T: 3, H: 5, W: 8, Cin: 2, Cout: 34, Pad: [3][2]int{{}, {2, 0}, {0, 1}}},
	"two blocks": {H: 72, W: 64, Cin: 2, Cout: 130, Pad: [3][2]int{{}, {1, 1}, {1, 1}}},
}

// reach returns, for every element of the result, what Winograd's error is relative to:
// |Aᵀ|[(|G||w||Gᵀ|) ⊙ (|Bᵀ||x||B|)]|A| summed over channels, plus |bias|. Of each row
// of A, B and G there are at most three terms, all of magnitude one or a half.
func (o *oracle) reach() []float64 {
	out := make([]float64, len(o.out))
	for i := range out {
		out[i] = math.Abs(o.bias[i%o.Cout])
	}
	_, ho, wo := o.Out()
	for frame := range o.B * o.T {
		for y := range (ho + 1) / 2 {
			for x := range (wo + 1) / 2 {
				o.reachTile(out, frame, 2*y, 2*x)
			}
		}
	}
	return out
}

func (o *oracle) reachTile(out []float64, frame, y, x int) {
	_, ho, wo := o.Out()
	abs := func(m [4][3]float64) [4][3]float64 {
		for i := range m {
			for j := range m[i] {
				m[i][j] = math.Abs(m[i][j])
			}
		}
		return m
	}
	g := abs([4][3]float64{{1}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}})
	b := [4][4]float64{{1, 0, 1}, {0, 1, 1}, {0, 1, 1}, {0, 1, 0, 1}}
	a := [2][4]float64{{1, 1, 1}, {0, 1, 1, 1}}
	for co := range o.Cout {
		var m [4][4]float64
		for ci := range o.Cin {
			for i := range 4 {
				for j := range 4 {
					u, v := 0.0, 0.0
					for p := range 3 {
						for q := range 3 {
							u += g[i][p] * g[j][q] * math.Abs(o.w[(co*9+3*p+q)*o.Cin+ci])
						}
					}
					for p := range 4 {
						for q := range 4 {
							at := [2]int{y + p - o.Pad[1][0], x + q - o.Pad[2][0]}
							if at[0] >= 0 && at[1] >= 0 && at[0] < o.H && at[1] < o.W {
								v += b[i][p] * b[j][q] * math.Abs(o.x[((frame*o.H+at[0])*o.W+at[1])*o.Cin+ci])
							}
						}
					}
					m[i][j] += u * v
				}
			}
		}
		for p := range min(2, ho-y) {
			for q := range min(2, wo-x) {
				for i := range 4 {
					for j := range 4 {
						out[((frame*ho+y+p)*wo+x+q)*o.Cout+co] += a[p][i] * a[q][j] * m[i][j]
					}
				}
			}
		}
	}
}

func TestWinograd(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, s := range winogradShapes {
			s.Kernel = [3]int{1, 3, 3}
			o := newOracle(s)
			o.run()
			reach := o.reach()
			before := gputest.Normal(9, len(o.out))
			for _, add := range []bool{false, true} {
				want, bound := o.out, make([]float64, len(reach))
				if add {
					want = plus(o.out, before)
				}
				for i, m := range reach {
					bound[i] = float64(s.Cin+16) * gputest.Eps * m
					if add {
						bound[i] += 2 * gputest.Eps * (math.Abs(float64(before[i])) + m)
					}
				}
				a := o.winograd(t, dev)
				a.Add = add
				if err := a.Out.WriteF32(before); err != nil {
					t.Fatal(err)
				}
				gputest.Run(t, dev, func(r *gpu.Recorder) { Winograd(r, a) })
				gputest.Close(t, name, gputest.Read(t, a.Out), want, bound)
			}
		}
	})
}

func (o *oracle) winograd(t testing.TB, dev *gpu.Device) WinogradArgs {
	return WinogradArgs{
		Shape: o.Shape, X: gputest.F32(t, dev, o.x32, o.inRows, o.Cin), W: gputest.F32(t, dev, WinogradWeights(o.w32, o.Cout, o.Cin), 16, o.Cout, o.Cin),
		Bias: gputest.F32(t, dev, o.bias32, o.Cout), Out: gputest.F32(t, dev, o.out32, o.outRows, o.Cout),
	}
}

// TestWinogradPlain holds that without a bias nothing is added, and that a sample's bits
// do not depend on the others.
func TestWinogradPlain(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := winogradShapes["odd"]
		s.Kernel = [3]int{1, 3, 3}
		o := newOracle(s)
		clear(o.bias32)
		all, none := o.winograd(t, dev), o.winograd(t, dev)
		none.Bias = nil
		one := o.winograd(t, dev)
		one.B = 1
		one.X, one.Out = one.X.View(0, o.inRows/2, o.Cin), one.Out.View(0, o.outRows/2, o.Cout)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Winograd(r, all)
			Winograd(r, none)
			Winograd(r, one)
		})
		want := gputest.Read(t, all.Out)
		if !slices.Equal(gputest.Read(t, none.Out), want) {
			t.Error("no bias differs from a bias of zeros")
		}
		if !slices.Equal(gputest.Read(t, one.Out), want[:len(want)/2]) {
			t.Error("a sample changes with the others")
		}
	})
}

func TestWinogradRefuses(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := winogradShapes["odd"]
		s.Kernel = [3]int{1, 3, 3}
		o := newOracle(s)
		for name, change := range map[string]func(*WinogradArgs){
			"kernel":  func(a *WinogradArgs) { a.Kernel = [3]int{1, 5, 3} },
			"stride":  func(a *WinogradArgs) { a.Stride = [3]int{1, 2, 1} },
			"time":    func(a *WinogradArgs) { a.Pad[0] = [2]int{1, 0} },
			"weights": func(a *WinogradArgs) { a.W = gputest.F32(t, dev, o.w32, 9, o.Cout, o.Cin) },
			"bias":    func(a *WinogradArgs) { a.Bias = a.X },
			"out":     func(a *WinogradArgs) { a.Out = a.X },
			"odd":     func(a *WinogradArgs) { a.Cin = 5 },
			"no x":    func(a *WinogradArgs) { a.X = nil },
		} {
			a := o.winograd(t, dev)
			change(&a)
			r := dev.NewRecorder()
			Winograd(r, a)
			if _, err := r.Finish(); !errors.Is(err, gpu.ErrShape) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
