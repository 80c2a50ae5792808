package gltf

import (
	"fmt"

	"github.com/morton-gen/morton/mesh"
	qgltf "github.com/qmuntal/gltf"
)

// hasArea reports whether a primitive mode makes surfaces.
func hasArea(m qgltf.PrimitiveMode) bool {
	return m == qgltf.PrimitiveTriangles || m == qgltf.PrimitiveTriangleStrip || m == qgltf.PrimitiveTriangleFan
}

// positions returns the vertices of p in its own space, morph targets applied.
func (r *reader) positions(p *qgltf.Primitive, weights []float64) ([]mesh.Vec3, error) {
	i := p.Attributes[qgltf.POSITION]
	if err := r.compressed(p, i); err != nil {
		return nil, err
	}
	flat, err := r.vectors(i, vertexBound(r.left.vertices))
	if err != nil {
		return nil, fmt.Errorf("positions: %w", err)
	}
	out := make([]mesh.Vec3, len(flat)/3)
	if err := r.left.spendVertices(len(out)); err != nil {
		return nil, err
	}
	for v := range out {
		out[v] = mesh.Vec3(flat[3*v:])
	}
	return out, r.morph(out, p, weights)
}

// compressed returns an error wrapping [ErrExtension] if the vertices of p
// exist only in compressed form.
func (r *reader) compressed(p *qgltf.Primitive, position int) error {
	if position < 0 || position >= len(r.doc.Accessors) {
		return nil // numbers reports that.
	}
	a := r.doc.Accessors[position]
	if _, ok := has(p.Extensions, extDraco); ok && a.BufferView == nil && a.Sparse == nil {
		return fmt.Errorf("%w: %s", ErrExtension, extDraco)
	}
	return nil
}

// vectors returns accessor i, which must be VEC3 of floats or, by
// KHR_mesh_quantization, integers of 8 or 16 bits.
func (r *reader) vectors(i int, most bound) ([]float64, error) {
	a, err := r.accessor(i, qgltf.AccessorVec3, most)
	if err != nil {
		return nil, err
	}
	if a.ComponentType == qgltf.ComponentUint {
		return nil, fmt.Errorf("%w: accessor %d has positions of 32-bit integers", ErrCorrupt, i)
	}
	return r.numbers(i, qgltf.AccessorVec3, most)
}

// morph adds the weighted displacements of p's targets to points.
func (r *reader) morph(points []mesh.Vec3, p *qgltf.Primitive, weights []float64) error {
	if err := r.left.spendWork(len(p.Targets)); err != nil {
		return err
	}
	moved := false
	for t, target := range p.Targets {
		i, ok := target[qgltf.POSITION]
		if !ok || t >= len(weights) || weights[t] == 0 {
			continue
		}
		if err := r.left.spendWork(len(points)); err != nil {
			return err
		}
		delta, err := r.vectors(i, bound{most: len(points)})
		if err != nil {
			return fmt.Errorf("morph target %d: %w", t, err)
		}
		if len(delta) != 3*len(points) {
			return fmt.Errorf("%w: morph target %d has %d vertices, mesh has %d", ErrCorrupt, t, len(delta)/3, len(points))
		}
		for v := range points {
			points[v] = points[v].Add(mesh.Vec3(delta[3*v:]).Scale(weights[t]))
		}
		moved = true
	}
	if moved {
		r.info.Morphed++
	}
	return nil
}

// indices returns the vertex of each element of p, in order: its index
// accessor, or 0, 1, 2... without one.
func (r *reader) indices(p *qgltf.Primitive, vertices int) ([]int32, error) {
	if p.Indices == nil {
		out := make([]int32, vertices)
		for i := range out {
			out[i] = int32(i)
		}
		return out, nil
	}
	a, err := r.accessor(*p.Indices, qgltf.AccessorScalar, cornerBound(r.left.corners))
	if err != nil {
		return nil, fmt.Errorf("indices: %w", err)
	}
	switch a.ComponentType {
	case qgltf.ComponentUbyte, qgltf.ComponentUshort, qgltf.ComponentUint:
	default:
		return nil, fmt.Errorf("%w: indices of type %v", ErrCorrupt, a.ComponentType)
	}
	if a.Normalized {
		return nil, fmt.Errorf("%w: normalised indices", ErrCorrupt)
	}
	flat, err := r.numbers(*p.Indices, qgltf.AccessorScalar, cornerBound(r.left.corners))
	if err != nil {
		return nil, fmt.Errorf("indices: %w", err)
	}
	out := make([]int32, len(flat))
	for i, x := range flat {
		if x >= float64(vertices) {
			return nil, fmt.Errorf("%w: index %v of %d vertices", ErrCorrupt, x, vertices)
		}
		out[i] = int32(x)
	}
	return out, nil
}

// triangles calls yield for each triangle of a mode with area,
// counter-clockwise. Incomplete triangles are ignored: see section 3.7.2.1.
func triangles(mode qgltf.PrimitiveMode, at []int32, yield func(a, b, c int32)) {
	switch mode {
	case qgltf.PrimitiveTriangles:
		for i := 0; i+2 < len(at); i += 3 {
			yield(at[i], at[i+1], at[i+2])
		}
	case qgltf.PrimitiveTriangleStrip:
		for i := 0; i+2 < len(at); i++ {
			yield(at[i], at[i+1+i%2], at[i+2-i%2])
		}
	case qgltf.PrimitiveTriangleFan:
		for i := 1; i+1 < len(at); i++ {
			yield(at[i], at[i+1], at[0])
		}
	}
}

// cornersOf returns how many corners [triangles] yields.
func cornersOf(mode qgltf.PrimitiveMode, n int) int {
	if mode == qgltf.PrimitiveTriangles {
		return n / 3 * 3
	}
	return 3 * max(n-2, 0)
}
