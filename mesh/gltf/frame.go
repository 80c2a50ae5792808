package gltf

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/mesh"
)

// frame is the transform of a written node: p ↦ centre + scale·p. A GLB has
// float32 positions, whose precision falls with the distance from the origin
// and whose range is 1e-38 to 1e38. Relative to its own centre and size a mesh
// keeps 24 bits anywhere. The scale is a power of two and rounds nothing.
type frame struct {
	centre mesh.Vec3
	scale  float64
	step   float64 // smallest distance of two float32 positions in the node
}

// A mesh has the identity as frame if it reaches no further from the origin
// than nearby times half its longest side, which costs two bits of float32, and
// if that half is between 2^-moderate and 2^moderate.
const (
	nearby   = 4
	moderate = 100
)

// frameOf returns the node's transform for m. It is the identity if m lies near
// the origin.
func frameOf(m *mesh.Mesh) frame {
	lo, hi := mesh.Bounds(m)
	half, reach := 0.0, 0.0
	for axis := range lo {
		half = max(half, hi[axis]/2-lo[axis]/2)
		reach = max(reach, math.Abs(lo[axis]), math.Abs(hi[axis]))
	}
	_, exponent := math.Frexp(half) // half < 2^exponent
	near := reach <= nearby*half
	if near && exponent >= -moderate && exponent <= moderate || reach == 0 {
		return frame{scale: 1, step: math.Ldexp(1, exponent-24)}
	}
	f := frame{scale: math.Ldexp(1, min(exponent, 1023)), step: 0x1p-24}
	if !near {
		f.centre = lo.Scale(0.5).Add(hi.Scale(0.5))
	}
	return f
}

// world returns the world position of p, as any reader computes it.
func (f frame) world(p [3]float32) mesh.Vec3 {
	return mesh.Vec3{float64(p[0]), float64(p[1]), float64(p[2])}.Scale(f.scale).Add(f.centre)
}

// local returns the node position nearest to a world position.
func (f frame) local(p mesh.Vec3) [3]float32 {
	p = p.Sub(f.centre)
	return narrow(mesh.Vec3{p[0] / f.scale, p[1] / f.scale, p[2] / f.scale})
}

// narrow returns v in float32, with -0 replaced by 0.
func narrow(v mesh.Vec3) [3]float32 {
	return [3]float32{float32(v[0]) + 0, float32(v[1]) + 0, float32(v[2]) + 0}
}

// place returns m in node space with vertices exact in float32. Distinct
// positions stay distinct, so that the surface keeps its connections: where
// rounding would merge two, the later one moves by a step. Unused vertices are
// zero.
//
// The error wraps [mesh.ErrNotFinite] if the node's transform would overflow
// float64.
func place(m *mesh.Mesh) (*mesh.Mesh, frame, error) {
	p := placer{mesh: m, frame: frameOf(m), first: make(map[[3]float32]int32, len(m.Vertices))}
	out := &mesh.Mesh{Vertices: make([]mesh.Vec3, len(m.Vertices)), Corners: m.Corners, Starts: m.Starts}
	done := make([]bool, len(m.Vertices))
	for _, v := range m.Corners {
		if done[v] {
			continue
		}
		done[v] = true
		at := p.position(v)
		for _, x := range p.frame.world(at) {
			if math.IsInf(x, 0) {
				return nil, p.frame, fmt.Errorf("%w: vertex %d at %v overflows float64", mesh.ErrNotFinite, v, m.Vertices[v])
			}
		}
		out.Vertices[v] = mesh.Vec3{float64(at[0]), float64(at[1]), float64(at[2])}
	}
	return out, p.frame, nil
}

// placer assigns node positions, each to one position of the mesh.
type placer struct {
	mesh  *mesh.Mesh
	frame frame
	first map[[3]float32]int32     // the first vertex at each position
	moved map[mesh.Vec3][3]float32 // replacements of positions already used
	tried map[[3]float32]int       // steps tried around a position
}

func (p *placer) position(v int32) [3]float32 {
	point := p.mesh.Vertices[v]
	at := p.frame.local(point)
	other, taken := p.first[at]
	switch {
	case !taken:
		p.first[at] = v
		return at
	case p.mesh.Vertices[other] == point:
		return at
	}
	if p.moved == nil {
		p.moved, p.tried = map[mesh.Vec3][3]float32{}, map[[3]float32]int{}
	}
	if at, ok := p.moved[point]; ok {
		return at
	}
	free := p.free(at)
	p.first[free], p.moved[point] = v, free
	return free
}

// free returns an unused position a few steps around at.
func (p *placer) free(at [3]float32) [3]float32 {
	for {
		p.tried[at]++
		to := p.shift(at, p.tried[at])
		if _, taken := p.first[to]; !taken {
			return to
		}
	}
}

// shift returns the n-th position around at, on a cube that grows with n.
func (p *placer) shift(at [3]float32, n int) [3]float32 {
	side := 2*int(math.Cbrt(float64(n))) + 1
	world := p.frame.world(at)
	for axis := range at {
		// A step must change both float32 and the reader's float64.
		step := max(p.frame.step, ulp32(at[axis]), ulp64(world[axis])/p.frame.scale)
		at[axis] = float32(float64(at[axis])+step*float64(n%side-side/2)) + 0
		n /= side
	}
	return at
}

func ulp32(x float32) float64 {
	x = float32(math.Abs(float64(x)))
	return float64(math.Nextafter32(x, math.MaxFloat32)) - float64(x)
}

func ulp64(x float64) float64 {
	x = math.Abs(x)
	return math.Nextafter(x, math.MaxFloat64) - x
}
