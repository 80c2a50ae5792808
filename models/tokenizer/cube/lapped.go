package cube

import "math"

// lap filters the pixels of windows, in the network's order, across the borders between
// cells, along rows and columns. The cosine transform of a cell of what comes out is a
// lapped transform of the pixels: its basis functions reach half a cell into the
// neighbours, so that an error of a cell ends in no edge. Edges of a frame stay as they
// are. The filter is orthogonal, so squared errors stay what they were; back undoes it.
//
// Source: Tran, Liang and Tu, "Lapped transform via time-domain pre- and post-filtering",
// 2003, its fast lapped orthogonal transform of type II.
func (c Config) lap(x []float32, back bool) {
	values := c.values()
	row := c.Size * values
	rows, columns := rotation(c.Cell[1]/2, back), rotation(c.Cell[2]/2, back)
	for at := 0; at < len(x); at += c.Size * row {
		frame := x[at : at+c.Size*row]
		for y := c.Cell[1]; y < c.Size; y += c.Cell[1] {
			across(frame, y*row, row, row, rows)
		}
		for y := range c.Size {
			for px := c.Cell[2]; px < c.Size; px += c.Cell[2] {
				across(frame, y*row+px*values, values, values, columns)
			}
		}
	}
}

// rotation returns the orthogonal matrix that differences across a border go through,
// [n, n], or its transpose. Number i is i pixels from the border.
func rotation(n int, transposed bool) [][]float32 {
	v := make([][]float32, n)
	for i := range v {
		v[i] = make([]float32, n)
		for j := range v {
			a, b := n-1-i, n-1-j
			if transposed {
				a, b = b, a
			}
			sum := 0.0
			for k := range n { // the transpose of a cosine transform of type II, times one of type IV
				iv := math.Sqrt(2/float64(n)) * math.Cos(math.Pi*(float64(k)+0.5)*(float64(b)+0.5)/float64(n))
				sum += at(k, a, n) * iv
			}
			v[i][j] = float32(sum)
		}
	}
	return v
}

// across filters n lines of numbers side by side across a border: x[at+i·stride+k] is number
// k of the i-th pixel behind it.
func across(x []float32, at, stride, n int, v [][]float32) {
	var differences [32]float32 // a cell has at most 64 rows and columns
	d := differences[:len(v)]
	for k := at; k < at+n; k++ {
		for i := range d {
			d[i] = x[k-(i+1)*stride] - x[k+i*stride]
		}
		for i, w := range v {
			sum := float32(0)
			for j, y := range d {
				sum += float32(w[j] * y)
			}
			half := float32(0.5 * (sum - d[i]))
			x[k-(i+1)*stride] += half
			x[k+i*stride] -= half
		}
	}
}
