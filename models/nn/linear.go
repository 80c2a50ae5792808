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

// Even declares a map to an even number of columns, of which the last is 0 if out is odd.
// Products want rows of an even number of elements.
func (p Params) Even(out, in int, init Init, name string) *Linear {
	l := p.Linear(out+out%2, in, init, name)
	l.W.parts, l.B.zeros = []int{out}, out%2
	return l
}

// FromEven declares the map of a tensor with so many columns behind one of [Params.Even].
func (p Params) FromEven(out, in int, init Init, name string) *Linear {
	l := p.Linear(out, in+in%2, init, name)
	if in%2 != 0 {
		columns := make([]int, in+1)
		for i := range in {
			columns[i] = i
		}
		columns[in] = -1
		l.W.Pick(in, columns)
	}
	return l
}

// Forward records the map. The options' bias is the map's own.
func (l *Linear) Forward(g Graph, x *Value, o ProductOptions) *Value {
	o.Bias = l.B
	return g.Product(x, l.W, o)
}

// LayerNorm brings rows to mean 0 and variance 1. It is not folded into a matrix.
type LayerNorm struct {
	Gain, Bias *Vector // Bias nil: none; networks that train have one
	Eps        float32
}

// LayerNorm declares name.weight and name.bias.
func (p Params) LayerNorm(n int, eps float32, name string) *LayerNorm {
	return &LayerNorm{p.Vector(n, 1, name+".weight"), p.Vector(n, 0, name+".bias"), eps}
}
