package nn

// Linear is a linear map with a bias.
type Linear struct {
	W *Matrix
	B *Vector // nil: none
}

// Linear declares name.weight and name.bias.
func (p Params) Linear(out, in int, init Init, name string) *Linear {
	return &Linear{p.Matrix(out, in, init, name+".weight"), p.Vector(out, 0, name+".bias")}
}

// Forward records the map. The options' bias is the map's own.
func (l *Linear) Forward(g Graph, x *Value, o ProductOptions) *Value {
	o.Bias = l.B
	return g.Product(x, l.W, o)
}

// LayerNorm brings rows to mean 0 and variance 1. It is not folded into a matrix.
type LayerNorm struct {
	Gain, Bias *Vector
	Eps        float32
}

// LayerNorm declares name.weight and name.bias.
func (p Params) LayerNorm(n int, eps float32, name string) *LayerNorm {
	return &LayerNorm{p.Vector(n, 1, name+".weight"), p.Vector(n, 0, name+".bias"), eps}
}
