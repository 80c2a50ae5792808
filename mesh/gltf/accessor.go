package gltf

import (
	"encoding/binary"
	"fmt"
	"math"

	qgltf "github.com/qmuntal/gltf"
)

// elements is a strided view of numbers in a buffer: n elements of comps
// components each.
type elements struct {
	data   []byte
	stride int // bytes from one element to the next
	comps  int
	size   int // bytes of a component
	kind   qgltf.ComponentType
	norm   bool
}

// newElements describes tuples of comps numbers. It caches
// ComponentType.ByteSize, which builds a map at every call.
func newElements(comps int, kind qgltf.ComponentType, norm bool) elements {
	return elements{comps: comps, size: kind.ByteSize(), kind: kind, norm: norm}
}

// number returns component c of element i as a float64. Normalised integers
// follow section 3.6.2.2 of the specification: -128 and -127 are both -1.
func (e elements) number(i, c int) float64 {
	b := e.data[i*e.stride+c*e.size:]
	var x, top float64
	switch e.kind {
	case qgltf.ComponentByte:
		x, top = float64(int8(b[0])), math.MaxInt8
	case qgltf.ComponentUbyte:
		x, top = float64(b[0]), math.MaxUint8
	case qgltf.ComponentShort:
		x, top = float64(int16(binary.LittleEndian.Uint16(b))), math.MaxInt16
	case qgltf.ComponentUshort:
		x, top = float64(binary.LittleEndian.Uint16(b)), math.MaxUint16
	case qgltf.ComponentUint:
		x, top = float64(binary.LittleEndian.Uint32(b)), math.MaxUint32
	default:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	if e.norm {
		return max(x/top, -1)
	}
	return x
}

// buffer returns the bytes of buffer i, loaded on first use.
func (r *reader) buffer(i int) ([]byte, error) {
	if i < 0 || i >= len(r.doc.Buffers) {
		return nil, fmt.Errorf("%w: buffer %d of %d", ErrCorrupt, i, len(r.doc.Buffers))
	}
	if data, ok := r.buffers[i]; ok {
		return data, nil
	}
	b := r.doc.Buffers[i]
	n := int64(b.ByteLength)
	if n < 1 {
		return nil, fmt.Errorf("%w: buffer %d has %d bytes", ErrCorrupt, i, n)
	}
	data, err := r.loadBuffer(i, b, n)
	if err != nil {
		return nil, fmt.Errorf("buffer %d: %w", i, err)
	}
	r.buffers[i] = data
	return data, nil
}

func (r *reader) loadBuffer(i int, b *qgltf.Buffer, n int64) ([]byte, error) {
	if b.URI == "" {
		if name, ok := has(b.Extensions, extMeshopt...); ok {
			return nil, fmt.Errorf("%w: a view that is not packed lies in a buffer that stands for packed ones (%s)", ErrCorrupt, name)
		}
		if i != 0 || int64(len(r.bin)) < n {
			return nil, fmt.Errorf("%w: %d bytes without a URI, binary chunk has %d", ErrCorrupt, n, len(r.bin))
		}
		return r.bin[:n], nil
	}
	if err := r.left.spendBytes(n); err != nil {
		return nil, err
	}
	return load(b.URI, n, r.open)
}

// view returns n elements that start at offset in buffer view i, tightly packed
// unless the view has a stride.
func (r *reader) view(i, offset, n int, e elements) (elements, error) {
	if i < 0 || i >= len(r.doc.BufferViews) {
		return e, fmt.Errorf("%w: buffer view %d of %d", ErrCorrupt, i, len(r.doc.BufferViews))
	}
	v := r.doc.BufferViews[i]
	data, err := r.viewBytes(i, v)
	if err != nil {
		return e, err
	}
	size := e.comps * e.size
	if e.stride = v.ByteStride; e.stride == 0 {
		e.stride = size
	}
	// Compared by division, since (n-1)·stride may not fit an int.
	if offset < 0 || e.stride < size || offset > v.ByteLength-size || n-1 > (v.ByteLength-size-offset)/e.stride {
		return e, fmt.Errorf("%w: buffer view %d: %d elements of %d bytes, stride %d, from byte %d of %d",
			ErrCorrupt, i, n, size, e.stride, offset, v.ByteLength)
	}
	e.data = data[offset:]
	return e, nil
}

// accessor returns accessor i. It returns an error if it does not exist, has
// the wrong type, no elements or more than bound.
func (r *reader) accessor(i int, want qgltf.AccessorType, most bound) (*qgltf.Accessor, error) {
	if i < 0 || i >= len(r.doc.Accessors) {
		return nil, fmt.Errorf("%w: accessor %d of %d", ErrCorrupt, i, len(r.doc.Accessors))
	}
	a := r.doc.Accessors[i]
	if a.Type != want || a.Count < 1 {
		return nil, fmt.Errorf("%w: accessor %d is %d x %v, want %v", ErrCorrupt, i, a.Count, a.Type, want)
	}
	return a, r.check(most, i, a.Count)
}

// numbers returns the components of accessor i, element by element, with sparse
// elements applied. Without a buffer view the base is zero.
func (r *reader) numbers(i int, want qgltf.AccessorType, most bound) ([]float64, error) {
	a, err := r.accessor(i, want, most)
	if err != nil {
		return nil, err
	}
	e := newElements(a.Type.Components(), a.ComponentType, a.Normalized)
	var out []float64
	if a.BufferView == nil {
		out = make([]float64, a.Count*e.comps)
	} else if out, err = r.dense(a, e); err != nil {
		return nil, fmt.Errorf("accessor %d: %w", i, err)
	}
	if a.Sparse != nil {
		if err := r.applySparse(out, a, e); err != nil {
			return nil, fmt.Errorf("accessor %d: %w", i, err)
		}
	}
	return out, nil
}

func (r *reader) dense(a *qgltf.Accessor, e elements) ([]float64, error) {
	base, err := r.view(*a.BufferView, a.ByteOffset, a.Count, e)
	if err != nil {
		return nil, err
	}
	out := make([]float64, a.Count*e.comps) // Bounded by the bytes of the view.
	for i := range a.Count {
		for c := range e.comps {
			out[i*e.comps+c] = base.number(i, c)
		}
	}
	return out, nil
}

// applySparse overwrites the elements of out that a's sparse part lists.
func (r *reader) applySparse(out []float64, a *qgltf.Accessor, e elements) error {
	s := a.Sparse
	if s.Count < 1 || s.Count > a.Count {
		return fmt.Errorf("%w: %d sparse entries for %d elements", ErrCorrupt, s.Count, a.Count)
	}
	at, err := r.view(s.Indices.BufferView, s.Indices.ByteOffset, s.Count, newElements(1, s.Indices.ComponentType, false))
	if err != nil {
		return fmt.Errorf("sparse indices: %w", err)
	}
	values, err := r.view(s.Values.BufferView, s.Values.ByteOffset, s.Count, e)
	if err != nil {
		return fmt.Errorf("sparse values: %w", err)
	}
	last := -1
	for i := range s.Count {
		to := int(at.number(i, 0))
		if to <= last || to >= a.Count {
			return fmt.Errorf("%w: sparse index %d after %d, of %d", ErrCorrupt, to, last, a.Count)
		}
		last = to
		for c := range e.comps {
			out[to*e.comps+c] = values.number(i, c)
		}
	}
	return nil
}
