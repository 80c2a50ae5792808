// Package params keeps a network's parameters in one flat device tensor. Gradients and
// the optimizer's state lie beside it in the same layout. So a step of the optimizer is
// a few dispatches, whatever the network.
//
// It is not for what the parameters compute (see models/nn).
package params

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/tape"
)

// ErrWeights reports a weights file that does not fit the network: a tensor is
// missing, or has another shape.
var ErrWeights = errkind.New("bad_model", "weights do not fit the network")

// Spec declares one parameter.
type Spec struct {
	Name  string
	Shape []int
	// Std is the standard deviation of the normal initialisation; 0 means the
	// constant Value.
	Std, Value float64
	// Diagonal, if not 0, is the value of elements [i, i] of a matrix, instead.
	Diagonal float64
	// Decay says whether weight decay applies: to matrices, not to gains,
	// biases and embeddings.
	Decay bool
	// File is the shape that files have, of as many elements; nil: Shape.
	File []int
	// Buffer says that nobody learns it, and that it does not count.
	Buffer bool
	// Behind parameters lie right behind the one before, for Span.
	Behind bool
}

// file is the shape that files have.
func (s *Spec) file() []int {
	if s.File != nil {
		return s.File
	}
	return s.Shape
}

// Store is a list of parameters in device memory. Parameters that decay come
// first, so that both kinds are one range.
type Store struct {
	dev   *gpu.Device
	specs []Spec
	at    map[string]int // index into specs
	off   []int          // first element of each spec
	decay int            // elements that decay
	total int

	P, G, M, V *gpu.Tensor // f32 [total]; G, M and V only for training
	// H is f16 or bf16 [decay], nil unless KeepHalves made it: the parameters that
	// decay, the matrices, as products read them. Whoever writes P keeps it up to date.
	H *gpu.Tensor
	// Scale is what the gradients in G are multiplied by, the loss scale, a power of
	// two. The task that adds to G and the optimizer that reads it agree on it here.
	Scale float32

	round *gpu.Program // H from P
}

const alignElems = 64 // 256 bytes

// New allocates the parameters, uninitialised; training adds the gradient and
// the optimizer's moments, all zero.
func New(dev *gpu.Device, specs []Spec, training bool) (*Store, error) {
	s := &Store{dev: dev, at: map[string]int{}, Scale: 1}
	for _, decay := range []bool{true, false} {
		for _, sp := range specs {
			if sp.Decay == decay {
				s.add(sp)
			}
		}
		if decay {
			s.decay = s.total
		}
	}
	if len(s.specs) != len(specs) || s.decay == 0 || s.decay == s.total {
		return nil, fmt.Errorf("params.New: %w: names repeat, or one kind of parameter is missing", ErrWeights)
	}
	list := []**gpu.Tensor{&s.P}
	if training {
		list = append(list, &s.G, &s.M, &s.V)
	}
	for _, t := range list {
		x, err := dev.NewTensor(tensor.F32, s.total)
		if err == nil {
			*t = x
			err = x.FillF32(func(dst []float32, _ int) error { clear(dst); return nil })
		}
		if err != nil {
			s.Free()
			return nil, err
		}
	}
	return s, nil
}

func (s *Store) add(sp Spec) {
	if _, ok := s.at[sp.Name]; ok {
		return
	}
	at := s.total
	if last := len(s.specs) - 1; sp.Behind && last >= 0 && s.specs[last].Decay == sp.Decay {
		at = s.off[last] + tensor.Elems(s.specs[last].Shape)
	}
	s.at[sp.Name] = len(s.specs)
	s.specs = append(s.specs, sp)
	s.off = append(s.off, at)
	s.total = (at + tensor.Elems(sp.Shape) + alignElems - 1) / alignElems * alignElems
}

// Free gives the memory back.
func (s *Store) Free() {
	if s.round != nil {
		s.round.Free()
	}
	for _, t := range []*gpu.Tensor{s.P, s.G, s.M, s.V, s.H} {
		t.Free()
	}
}

// KeepHalves adds H, in f16 or bf16, for Value to give to products.
func (s *Store) KeepHalves(dt tensor.DType) (err error) {
	if s.H, err = s.dev.NewTensor(dt, s.decay); err != nil {
		return err
	}
	r := s.dev.NewRecorder()
	p, _ := s.Ranges(s.P)
	elementwise.Narrow(r, elementwise.NarrowArgs{X: p, Out: s.H})
	s.round, err = r.Finish()
	return err
}

// Round brings H up to date after P was written. Init and Load do it themselves.
func (s *Store) Round() error {
	if s.round == nil {
		return nil
	}
	return s.round.Run(1)
}

// Precision is the name of the type products read matrices in.
func (s *Store) Precision() string {
	if s.H == nil {
		return s.P.DType.String()
	}
	return s.H.DType.String()
}

// Bytes is the device memory of the store.
func (s *Store) Bytes() (n uint64) {
	for _, t := range []*gpu.Tensor{s.P, s.G, s.M, s.V, s.H} {
		if t != nil {
			n += t.SizeBytes()
		}
	}
	return n
}

// Count returns the number of parameters.
func (s *Store) Count() int {
	n := 0
	for _, sp := range s.specs {
		if !sp.Buffer {
			n += tensor.Elems(sp.Shape)
		}
	}
	return n
}

// Param returns a view of a parameter. It panics on an unknown name.
func (s *Store) Param(name string) *gpu.Tensor { return s.view(s.P, name) }

// Value returns a parameter for a tape. It has a gradient if the store trains, and 16
// bits if it is kept so.
func (s *Store) Value(name string) *tape.Value {
	v := tape.Constant(s.Param(name))
	if s.G != nil {
		v = tape.Param(s.Param(name), s.view(s.G, name))
	}
	if s.H != nil && s.specs[s.index(name)].Decay {
		v.Half = s.view(s.H, name)
	}
	return v
}

// Span returns parameters that were declared one after the other as one matrix, their
// rows on end. It panics if their memory is not on end: a network's mistake.
func (s *Store) Span(names ...string) *tape.Value {
	first := s.Value(names[0])
	if len(names) == 1 {
		return first
	}
	rows, from := 0, s.off[s.index(names[0])]
	for _, n := range names {
		i := s.index(n)
		if s.off[i] != from+rows*first.X.Dim(-1) {
			panic("params: " + n + " does not lie behind " + names[0])
		}
		rows += s.specs[i].Shape[0]
	}
	view := func(t *gpu.Tensor) *gpu.Tensor { return t.View(from, rows, first.X.Dim(-1)) }
	v := tape.Constant(view(s.P))
	if s.G != nil {
		v = tape.Param(view(s.P), view(s.G))
	}
	if first.Half != nil {
		v.Half = view(s.H)
	}
	return v
}

// Range returns where a parameter lies in the flat tensors, in elements. It panics
// on an unknown name.
func (s *Store) Range(name string) (at, n int) {
	i := s.index(name)
	return s.off[i], tensor.Elems(s.specs[i].Shape)
}

func (s *Store) index(name string) int {
	i, ok := s.at[name]
	if !ok {
		panic("params: no parameter " + name)
	}
	return i
}

func (s *Store) view(t *gpu.Tensor, name string) *gpu.Tensor {
	i := s.index(name)
	return t.View(s.off[i], s.specs[i].Shape...)
}

// Ranges returns the decaying and the other part of a flat tensor of the store.
func (s *Store) Ranges(t *gpu.Tensor) (decay, rest *gpu.Tensor) {
	return t.View(0, s.decay), t.View(s.decay, s.total-s.decay)
}

// Init draws the parameters from their declared distributions: the same seed
// gives the same bits.
func (s *Store) Init(seed uint64) error {
	flat := make([]float32, s.total)
	for i, sp := range s.specs {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		for j := range tensor.Elems(sp.Shape) {
			if sp.Std > 0 {
				flat[s.off[i]+j] = float32(r.NormFloat64() * sp.Std)
			} else {
				flat[s.off[i]+j] = float32(sp.Value)
			}
		}
		if sp.Diagonal != 0 {
			for j := range min(sp.Shape[0], sp.Shape[1]) {
				flat[s.off[i]+j*sp.Shape[1]+j] = float32(sp.Diagonal)
			}
		}
	}
	if err := s.P.WriteF32(flat); err != nil {
		return err
	}
	return s.Round()
}

// Save writes the parameters (and, with moments, the optimizer's state) to a
// safetensors file. dtype is F32 or F16 for the parameters; moments stay F32.
func (s *Store) Save(path string, dtype safetensors.DType, moments bool, metadata map[string]string) error {
	var out []safetensors.NamedTensor
	add := func(prefix string, t *gpu.Tensor, dt safetensors.DType) error {
		flat, err := t.F32()
		if err != nil {
			return err
		}
		for i, sp := range s.specs {
			nt, err := safetensors.FromFloat32s(prefix+sp.Name, dt, sp.file(), flat[s.off[i]:s.off[i]+tensor.Elems(sp.Shape)])
			if err != nil {
				return err
			}
			out = append(out, nt)
		}
		return nil
	}
	if err := add("", s.P, dtype); err != nil {
		return err
	}
	if moments {
		if err := errors.Join(add("adam.m.", s.M, safetensors.F32), add("adam.v.", s.V, safetensors.F32)); err != nil {
			return err
		}
	}
	return safetensors.Write(path, out, metadata)
}

// Load reads what Save wrote. Errors: [ErrWeights], and those of safetensors.
func (s *Store) Load(f *safetensors.File, moments bool) error {
	if err := errors.Join(s.load(f, "", s.P), s.Round()); err != nil {
		return err
	}
	if !moments {
		return nil
	}
	return errors.Join(s.load(f, "adam.m.", s.M), s.load(f, "adam.v.", s.V))
}

// find looks a parameter up and checks its shape.
func find(f *safetensors.File, name string, shape []int) (safetensors.Tensor, error) {
	x, err := f.Tensor(name)
	if err != nil {
		return x, fmt.Errorf("params: %w: %w", ErrWeights, err)
	}
	if len(shape) == 1 && tensor.Elems(x.Shape) == shape[0] {
		return x, nil // a vector, whatever its extents are in the file
	}
	if !slices.Equal(squeezed(x.Shape), squeezed(shape)) {
		return x, fmt.Errorf("params: %w: %s is %v, the network has %v", ErrWeights, name, x.Shape, shape)
	}
	return x, nil
}

// squeezed returns the extents that are not 1.
func squeezed(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
}

func (s *Store) load(f *safetensors.File, prefix string, t *gpu.Tensor) error {
	for i, sp := range s.specs {
		x, err := find(f, prefix+sp.Name, sp.file())
		if err != nil {
			return err
		}
		if err := t.View(s.off[i], sp.Shape...).FillF32(finite(x)); err != nil {
			return fmt.Errorf("params.Load: %s: %w", sp.Name, err)
		}
	}
	return nil
}

// finite widens a tensor's elements into place, some at a time. It fails at one that is
// no number.
func finite(x safetensors.Tensor) func(dst []float32, at int) error {
	return func(dst []float32, at int) error {
		var some [4096]float32 // reading dst may be slow
		for from := 0; from < len(dst); from += len(some) {
			part := some[:min(len(some), len(dst)-from)]
			if err := x.ReadFloat32s(part, at+from); err != nil {
				return fmt.Errorf("%w: %w", ErrWeights, err)
			}
			for _, y := range part {
				if math.IsNaN(float64(y)) || math.IsInf(float64(y), 0) {
					return fmt.Errorf("%w: it holds a value that is not finite", ErrWeights)
				}
			}
			copy(dst[from:], part)
		}
		return nil
	}
}
