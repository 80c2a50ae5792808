package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/tensor"
)

// part returns the columns of block i of k blocks side by side, to the end of the rows.
func part(x *gpu.Tensor, i, k int) *gpu.Tensor {
	at := i * x.Dim(-1) / k
	return x.View(at, x.Elems()-at)
}

// Adaptive is norm.Adaptive of x [b·n, d] by blocks scale and shift of mod [b, k·d].
func (t *Tape) Adaptive(x, mod *Value, scale, shift int, eps float32) *Value {
	y := t.temp(x.X.Shape...)
	k, b := mod.X.Dim(-1)/x.X.Dim(-1), mod.X.Rows()
	var mean, rstd *gpu.Tensor
	if t.training {
		mean, rstd = t.r.Temp(tensor.F32, x.X.Rows()), t.r.Temp(tensor.F32, x.X.Rows())
	}
	a := norm.AdaptiveArgs{
		X: x.X, Scale: part(mod.X, scale, k), Shift: part(mod.X, shift, k), Out: y.X, Mean: mean, RStd: rstd, B: b, LDMod: mod.X.Dim(-1), Eps: eps,
	}
	norm.Adaptive(t.r, a)
	t.push(y, func(dy *gpu.Tensor) {
		g := norm.AdaptiveGradArgs{X: x.X, Scale: a.Scale, Mean: mean, RStd: rstd, DOut: dy, B: b, LDMod: a.LDMod}
		g.DX, g.AddDX = t.sink(x)
		if dmod := t.zeroed(mod); dmod != nil {
			g.DScale, g.DShift = part(dmod, scale, k), part(dmod, shift, k)
		}
		norm.AdaptiveGrad(t.r, g)
	})
	return y
}

// Gate is norm.Gate of x [b·n, d], with residual, by block gate of mod [b, k·d].
func (t *Tape) Gate(residual, x, mod *Value, gate int) *Value {
	y := t.temp(x.X.Shape...)
	k, b, ld := mod.X.Dim(-1)/x.X.Dim(-1), mod.X.Rows(), mod.X.Dim(-1)
	norm.Gate(t.r, norm.GateArgs{X: x.X, Gate: part(mod.X, gate, k), Residual: residual.X, Out: y.X, B: b, LDMod: ld})
	t.push(y, func(dy *gpu.Tensor) {
		g := norm.GateGradArgs{X: x.X, Gate: part(mod.X, gate, k), DOut: dy, B: b, LDMod: ld}
		g.DX, g.AddDX = t.sink(x)
		if dmod := t.zeroed(mod); dmod != nil {
			g.DGate = part(dmod, gate, k)
		}
		norm.GateGrad(t.r, g)
		t.hand(residual, dy)
	})
	return y
}

// zeroed returns the tensor of v's gradient, which operations add to; nil if it has none.
func (t *Tape) zeroed(v *Value) *gpu.Tensor {
	g, add := t.sink(v)
	if g != nil && !add {
		t.r.Fill(g, 0)
	}
	return g
}

// Unit is norm.Unit of the first heads of x [n, ld]: [n, ld]. Columns behind them stay.
func (t *Tape) Unit(x, log *Value, a norm.UnitArgs) *Value {
	y := t.temp(x.X.Shape...)
	t.r.Copy(y.X, x.X)
	a.X, a.Out, a.Log, a.N, a.LD = x.X, y.X, log.X, x.X.Rows(), x.X.Dim(-1)
	norm.Unit(t.r, a)
	t.push(y, func(dy *gpu.Tensor) {
		t.into(x, func(g *gpu.Tensor) {
			t.r.Copy(g, dy)
			a.X = t.kept(x)
			norm.UnitGrad(t.r, norm.UnitGradArgs{UnitArgs: a, DOut: dy, DX: g, DLog: log.grad})
		})
	})
	return y
}

// Shift is x [n, d] with v [d] added to every row.
func (t *Tape) Shift(x, v *Value) *Value {
	y := t.temp(x.X.Shape...)
	n := v.X.Elems()
	for i := range x.X.Rows() {
		t.r.Copy(y.X.View(i*n, n), v.X)
	}
	elementwise.Add(t.r, elementwise.AddArgs{A: x.X, B: y.X, Out: y.X})
	t.push(y, func(dy *gpu.Tensor) {
		if dv, add := t.sink(v); dv != nil {
			elementwise.ColumnSum(t.r, elementwise.ColumnSumArgs{X: dy, Out: dv, Add: add})
		}
		t.into(x, func(g *gpu.Tensor) { t.r.Copy(g, dy) })
	})
	return y
}

// Stack is vectors one behind the other; nil parts are n zeros.
func (t *Tape) Stack(n int, parts ...*Value) *Value {
	y := t.temp(n * len(parts))
	t.r.Fill(y.X, 0)
	for i, p := range parts {
		if p != nil {
			t.r.Copy(y.X.View(i*n, n), p.X)
		}
	}
	t.push(y, func(dy *gpu.Tensor) {
		for i, p := range parts {
			if p != nil {
				t.into(p, func(g *gpu.Tensor) { t.r.Copy(g, dy.View(i*n, n)) })
			}
		}
	})
	return y
}
