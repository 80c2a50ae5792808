package optest

import (
	"math"
	"testing"
)

type record struct {
	testing.TB
	failed bool
}

func (r *record) Helper()               {}
func (r *record) Errorf(string, ...any) { r.failed = true }

func TestGradientTellsRightFromWrong(t *testing.T) {
	x := []float64{0.5, -2, 3}
	loss := func() float64 { return math.Sin(x[0]) + x[1]*x[1]*x[2] }
	right := []float64{math.Cos(0.5), -12, 4}
	Gradient(t, "right", loss, x, right)
	for i := range right {
		wrong := append([]float64(nil), right...)
		wrong[i] += 1e-4
		var r record
		if Gradient(&r, "wrong", loss, x, wrong); !r.failed {
			t.Errorf("an error in element %d passed", i)
		}
		wrong[i] = math.NaN()
		r.failed = false
		if Gradient(&r, "NaN", loss, x, wrong); !r.failed {
			t.Errorf("NaN in element %d passed", i)
		}
	}
}
