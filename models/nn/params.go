package nn

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/params"
)

// Params collects the parameters that a network declares, in order. Names are those of
// its checkpoint. A network is built once. Then its parameters are read, or initialised
// to train.
type Params struct {
	prefix string
	list   *List
}

// List holds everything that a network declared.
type List struct {
	all        []any // *Matrix, *Vector, *Table and others, as declared
	Attentions []*Attention
}

// NewParams returns an empty list of parameters.
func NewParams() Params { return Params{list: &List{}} }

// In returns the parameters below a prefix of their names.
func (p Params) In(format string, args ...any) Params {
	p.prefix += fmt.Sprintf(format, args...)
	return p
}

// List returns what was declared so far, under every prefix.
func (p Params) List() *List { return p.list }

// Matrix is the weight of a product, [out, in].
type Matrix struct {
	Out, In int
	Names   []string // of the tensors that are stacked by rows, in order
	Norm    *Norm    // of the product's input; nil: none
	init    Init
	parts   []int // rows of each tensor, see Parts; nil: equal ones. Rows behind them are 0
	columns []int // by column, that of the tensor, see Pick; nil: the same
	stored  int   // columns of the tensor
	extents []int // that files have in place of the columns, see Split; nil: one
	order   []int // by row, that of the tensors, see PickRows; nil: the same
}

// Buffer is a tensor of zeros that is saved with a network, and that nobody learns. What
// others put there, a system reads itself.
type Buffer struct {
	Name  string
	Shape []int
}

// Buffer declares a buffer.
func (p Params) Buffer(name string, shape ...int) {
	p.list.all = append(p.list.all, &Buffer{p.prefix + name, shape})
}

// Init describes the first values of a matrix or table in training.
type Init struct {
	Std      float64 // of the normal distribution
	Diagonal float64 // of elements [i, i], instead, if not 0
}

// Vector is a gain or a bias.
type Vector struct {
	N     int
	Name  string
	Parts []string // the tensors that it is made of, one after the other; nil: Name
	Plus  string   // a tensor that is added; "": none
	held  string   // of Parts, the one that does not learn
	zeros int      // last elements, which no tensor has
	from  int      // element of the tensor, which has so many, that it begins with, see Slice
	of    int
	Start float64 // its value when a network starts to train,
	Std   float64 // or the standard deviation of its values then, if not 0
}

// Table holds embeddings, a row each.
type Table struct {
	Rows, Width int
	parts       []Part
	init        Init
}

// Part is some rows of a table. Without a name they are Values, or zero.
type Part struct {
	Name   string
	Rows   int
	Values []float32 // [rows, width]: a constant
	Ones   int       // extents of 1 that the tensor of a checkpoint has in front
}

// file is the shape in files, nil for rows and columns.
func (p *Part) file(width int) []int {
	if p.Ones == 0 {
		return nil
	}
	return append(slices.Repeat([]int{1}, p.Ones), p.Rows, width)
}

// Norm is a root-mean-square norm of rows.
type Norm struct {
	Gain *Vector
	Eps  float32
}

// Matrix declares a matrix; several names are stacked by rows, in equal parts.
func (p Params) Matrix(out, in int, init Init, names ...string) *Matrix {
	m := &Matrix{Out: out, In: in, init: init}
	for _, n := range names {
		m.Names = append(m.Names, p.prefix+n)
	}
	p.list.all = append(p.list.all, m)
	return m
}

// After sets the norm of the matrix's input, and returns the matrix.
func (m *Matrix) After(n *Norm) *Matrix {
	m.Norm = n
	return m
}

// Parts says how many rows each stacked tensor has, where they are not equal. It returns
// the matrix.
func (m *Matrix) Parts(rows ...int) *Matrix {
	m.parts = rows
	return m
}

// rows is the number of rows of stacked tensor i.
func (m *Matrix) rows(i int) int {
	if m.parts != nil {
		return m.parts[i]
	}
	return m.Out / len(m.Names)
}

// Pick says which column of the tensor, which has so many, each column of the matrix is;
// -1 is zeros. It returns the matrix. A convolution over patches is a product of patches
// in another order.
func (m *Matrix) Pick(stored int, columns []int) *Matrix {
	m.stored, m.columns = stored, columns
	return m
}

// Split says the extents that files have in place of the columns, such as those of a
// convolution. It returns the matrix.
func (m *Matrix) Split(extents ...int) *Matrix {
	m.extents = extents
	return m
}

// file is the shape of stacked tensor i in files, nil for rows and columns.
func (m *Matrix) file(i int) []int {
	if m.extents == nil {
		return nil
	}
	return append([]int{m.rows(i)}, m.extents...)
}

// PickRows says which row of the stacked tensors each row of the matrix is. It returns the
// matrix. Networks that train have the tensors as they are.
func (m *Matrix) PickRows(rows []int) *Matrix {
	m.order = rows
	return m
}

// Neighbours are the rows of queries, keys and values, [(h + 2g)·dh, d], by which pairs of
// columns (j, j + dh/2) of a head become pairs (2j, 2j+1), as [Rope] turns them.
func (a Attention) Neighbours() (rows []int) {
	turned := (a.Heads + a.KeyHeads()) * a.HeadDim
	for i := range a.Width() {
		from := i
		if i < turned {
			j := i % a.HeadDim
			from = i - j + j/2 + j%2*(a.HeadDim/2)
		}
		rows = append(rows, from)
	}
	return rows
}

// Vector declares a vector that starts at a value.
func (p Params) Vector(n int, start float64, name string) *Vector {
	v := &Vector{N: n, Name: p.prefix + name, Start: start}
	p.list.all = append(p.list.all, v)
	return v
}

// Stack declares a vector of several tensors, one after the other, in equal parts. Held is
// the name of one that stays as it is when the network trains; "": none.
func (p Params) Stack(n int, held string, names ...string) *Vector {
	v := &Vector{N: n}
	if held != "" {
		v.held = p.prefix + held
	}
	for _, name := range names {
		v.Parts = append(v.Parts, p.prefix+name)
	}
	p.list.all = append(p.list.all, v)
	return v
}

// Sum declares a vector that is the sum of two tensors. The first has no prefix: several
// vectors share it.
func (p Params) Sum(n int, shared, name string) *Vector {
	v := &Vector{N: n, Name: shared, Plus: p.prefix + name}
	p.list.all = append(p.list.all, v)
	return v
}

// Slice declares a vector of n elements of a tensor of so many, from one on. Networks that
// train do not have it yet.
func (p Params) Slice(n, from, of int, name string) *Vector {
	v := &Vector{N: n, Name: p.prefix + name, from: from, of: of}
	p.list.all = append(p.list.all, v)
	return v
}

// names returns the tensors of a vector.
func (v *Vector) names() []string {
	switch {
	case v.Parts != nil:
		return v.Parts
	case v.Plus != "":
		return []string{v.Name, v.Plus}
	}
	return []string{v.Name}
}

// Frozen is a tensor of another network, which nobody trains. It has a form of its own on
// the device.
type Frozen struct {
	Name  string
	Shape []int // in the checkpoint
	On    []int // on the device
	Make  func(w Weights) ([]float32, error)
}

// Frozen declares such a tensor. Its name has no prefix.
func (p Params) Frozen(f Frozen) *Frozen {
	p.list.all = append(p.list.all, &f)
	return &f
}

// RMS declares a norm by its gain.
func (p Params) RMS(n int, eps float32, name string) *Norm {
	return &Norm{Gain: p.Vector(n, 1, name), Eps: eps}
}

// Table declares a table made of parts, one after the other.
func (p Params) Table(width int, init Init, parts ...Part) *Table {
	t := &Table{Width: width, init: init}
	for _, x := range parts {
		if x.Name != "" {
			x.Name = p.prefix + x.Name
		}
		t.parts = append(t.parts, x)
		t.Rows += x.Rows
	}
	p.list.all = append(p.list.all, t)
	return t
}

// Attention declares an attention, whose keys and values have a cache of their own.
func (p Params) Attention(a Attention) *Attention {
	a.cache = len(p.list.Attentions)
	p.list.Attentions = append(p.list.Attentions, &a)
	return &a
}

// Count returns the number of parameters.
func (l *List) Count() (n int64) {
	for _, s := range l.Specs() {
		if !s.Buffer {
			n += int64(tensor.Elems(s.Shape))
		}
	}
	return n
}

// Matrices returns the weights of products.
func (l *List) Matrices() (out []*Matrix) {
	for _, x := range l.all {
		if m, ok := x.(*Matrix); ok {
			out = append(out, m)
		}
	}
	return out
}

// Specs returns the parameters as a training store declares them, by tensor.
func (l *List) Specs() (out []params.Spec) {
	for _, x := range l.all {
		switch x := x.(type) {
		case *Matrix:
			for i, n := range x.Names {
				out = append(out, params.Spec{
					Name: n, Shape: []int{x.rows(i), x.width()}, File: x.file(i), Std: x.init.Std, Diagonal: x.init.Diagonal, Decay: true, Behind: i > 0,
				})
			}
		case *Vector:
			for _, n := range x.names() {
				size := max(x.N-x.zeros, x.of)
				if x.Parts != nil {
					size /= len(x.Parts)
				}
				if !slices.ContainsFunc(out, func(s params.Spec) bool { return s.Name == n }) { // sums and slices share one
					out = append(out, params.Spec{Name: n, Shape: []int{size}, Value: x.Start, Std: x.Std})
				}
			}
		case *Table:
			for i, part := range x.parts {
				if part.Name != "" {
					out = append(out, params.Spec{Name: part.Name, Shape: []int{part.Rows, x.Width}, File: part.file(x.Width), Std: x.init.Std, Behind: i > 0})
				}
			}
		case *Buffer:
			out = append(out, params.Spec{Name: x.Name, Shape: x.Shape, Buffer: true})
		}
	}
	return out
}

// Missing returns the names of declared tensors that a checkpoint lacks, sorted.
func (l *List) Missing(w Weights) (names []string) {
	for _, s := range l.Specs() {
		if _, ok := w.Shape(s.Name); !ok {
			names = append(names, s.Name)
		}
	}
	for _, x := range l.all {
		if f, ok := x.(*Frozen); ok {
			if _, ok := w.Shape(f.Name); !ok {
				names = append(names, f.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// TableRows is the number of rows of the longest table.
func (l *List) TableRows() (n int) {
	for _, x := range l.all {
		if t, ok := x.(*Table); ok {
			n = max(n, t.Rows)
		}
	}
	return n
}

// Borrows reports whether the network computes with tensors of another one.
func (l *List) Borrows() bool {
	return slices.ContainsFunc(l.all, func(x any) bool { _, ok := x.(*Frozen); return ok })
}

// folded returns the gains that are multiplied into the matrices behind their norms.
func (l *List) folded() map[*Vector]bool {
	out := map[*Vector]bool{}
	for _, m := range l.Matrices() {
		if m.Norm != nil {
			out[m.Norm.Gain] = true
		}
	}
	return out
}

// width is the number of columns of the tensors.
func (m *Matrix) width() int {
	if m.columns != nil {
		return m.stored
	}
	return m.In
}
