package tape

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/tensor"
)

// part returns the columns of part i of k parts side by side, to the end of the rows.
func part(x *gpu.Tensor, i, k int) *gpu.Tensor {
	at := i * x.Dim(-1) / k
	return x.View(at, x.Elems()-at)
}

// Adaptive is norm.Adaptive of x [b·n, d] by the parts scale and shift of mod [b, k·d].
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

// Gate is norm.Gate of x [b·n, d], with residual, by part gate of mod [b, k·d].
func (t *Tape) Gate(x, mod *Value, gate int, residual *Value) *Value {
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
		t.accumulate(residual, dy) // last: what adds to it now is behind it in time
	})
	return y
}

// Modulate is norm.Modulate of x [b·n, d] by the parts scale and shift of mod [b, k·d].
func (t *Tape) Modulate(x, mod *Value, scale, shift int) *Value {
	n, d := x.X.Rows(), x.X.Dim(-1)
	y := t.temp(n, d)
	k, b, ld := mod.X.Dim(-1)/d, mod.X.Rows(), mod.X.Dim(-1)
	by := part(mod.X, scale, k)
	norm.Modulate(t.r, norm.ModulateArgs{X: x.X, Scale: by, Shift: part(mod.X, shift, k), Out: y.X, B: b, LDMod: ld})
	t.push(y, func(dy *gpu.Tensor) {
		if dm := t.zeroed(mod); dm != nil {
			ones := t.r.Temp(tensor.F32, n, d)
			t.r.Fill(ones, gpu.F32Param(1))
			norm.GateGrad(t.r, norm.GateGradArgs{X: x.X, Gate: by, DOut: dy, DGate: part(dm, scale, k), B: b, LDMod: ld})
			norm.GateGrad(t.r, norm.GateGradArgs{X: ones, Gate: by, DOut: dy, DGate: part(dm, shift, k), B: b, LDMod: ld})
		}
		if dx, add := t.sink(x); dx != nil {
			norm.GateGrad(t.r, norm.GateGradArgs{X: x.X, Gate: by, DOut: dy, DX: dx, AddDX: add, B: b, LDMod: ld})
		}
		t.accumulate(x, dy) // last: what adds to it now is behind it in time
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

// Stack is values one behind the other: [Σn, d], or a longer vector.
func (t *Tape) Stack(parts ...*Value) *Value {
	rows, d := 0, parts[0].X.Dim(-1)
	vectors := len(parts[0].X.Shape) == 1
	for _, p := range parts {
		rows += p.X.Elems() / d
	}
	y := t.temp(rows, d)
	if vectors {
		y = t.temp(rows * d)
	}
	at := 0
	for _, p := range parts {
		t.r.Copy(y.X.View(at, p.X.Shape...), p.X)
		at += p.X.Elems()
	}
	t.push(y, func(dy *gpu.Tensor) {
		at := 0
		for _, p := range parts {
			d := dy.View(at, p.X.Shape...)
			at += p.X.Elems()
			t.into(p, func(g *gpu.Tensor) { t.r.Copy(g, d) })
		}
	})
	return y
}
