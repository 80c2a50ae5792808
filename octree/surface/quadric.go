package surface

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// pull is how strongly the mean of the samples holds a dual vertex, next to
// planes of the same weight: enough to settle it along a flat face or a straight
// edge, and it rounds a right-angled edge by 2% of the distance.
const pull = 0.01

// Quadric sums weighted planes and finds the point nearest to all of them,
// that is where this is least:
//
//	E(x) = sum_i w_i (n_i·(x - p_i))²
//
// The zero value holds no plane. Lengths are in cells of the finest level.
//
// Source: the error of Ju et al., "Dual Contouring of Hermite Data", 2002.
type Quadric struct {
	a      [3][3]float64 // sum w n nᵀ
	b      mesh.Vec3     // sum w n (n·p)
	c      float64       // sum w (n·p)²
	mean   mesh.Vec3     // sum w p
	normal mesh.Vec3     // sum w n
	weight float64       // W = sum w
}

// Add takes a plane through p with unit normal n.
func (q *Quadric) Add(n, p mesh.Vec3, w float64) {
	d := n.Dot(p)
	for i := range 3 {
		for j := range 3 {
			q.a[i][j] += w * n[i] * n[j]
		}
		q.b[i] += w * n[i] * d
	}
	q.c += w * d * d
	q.mean = q.mean.Add(p.Scale(w))
	q.normal = q.normal.Add(n.Scale(w))
	q.weight += w
}

// Plus takes all planes of o.
func (q *Quadric) Plus(o *Quadric) {
	for i := range 3 {
		for j := range 3 {
			q.a[i][j] += o.a[i][j]
		}
		q.b[i] += o.b[i]
	}
	q.c += o.c
	q.mean = q.mean.Add(o.mean)
	q.normal = q.normal.Add(o.normal)
	q.weight += o.weight
}

// Moved returns q with every plane shifted by s: n·p becomes n·p + n·s.
func (q *Quadric) Moved(s mesh.Vec3) Quadric {
	out := *q
	as := times(&q.a, s)
	out.b = q.b.Add(as)
	out.c = q.c + 2*q.b.Dot(s) + s.Dot(as)
	out.mean = q.mean.Add(s.Scale(q.weight))
	return out
}

// Weight returns the sum of the planes' weights.
func (q *Quadric) Weight() float64 { return q.weight }

// Normal returns the planes' mean normal, of length one, and how much they agree: 1
// if all are the same, 0 if they cancel. Without planes both are zero.
func (q *Quadric) Normal() (n mesh.Vec3, agreement float64) {
	if q.weight == 0 {
		return mesh.Vec3{}, 0
	}
	return q.normal.Unit(), q.normal.Len() / q.weight
}

// Error returns E(x), at least 0.
func (q *Quadric) Error(x mesh.Vec3) float64 {
	return max(0, x.Dot(times(&q.a, x))-2*q.b.Dot(x)+q.c)
}

// point returns the minimum of E(x) + pull·W |x - mean p|² in the unit cell whose
// low corner is the origin. Planes must be in the cell's units. There must be at
// least one plane.
func (q *Quadric) point() mesh.Vec3 {
	a, b := q.a, q.b
	for i := range 3 {
		a[i][i] += pull * q.weight
		b[i] += pull * q.mean[i]
	}
	return leastIn(a, b, q.mean.Scale(1/q.weight), mesh.Vec3{}, mesh.Vec3{1, 1, 1})
}

// Point is point for any box. It works around the mean, so that large coordinates
// cancel before anything is squared.
func (q *Quadric) Point(low, high mesh.Vec3) mesh.Vec3 {
	mean := q.mean.Scale(1 / q.weight)
	near := q.Moved(mean.Scale(-1))
	a := near.a
	for i := range 3 {
		a[i][i] += pull * q.weight
	}
	return leastIn(a, near.b, mesh.Vec3{}, low.Sub(mean), high.Sub(mean)).Add(mean)
}

// leastIn returns where xᵀax - 2bᵀx is least in a box, or otherwise what is
// nearest there to a point.
func leastIn(a [3][3]float64, b, otherwise, low, high mesh.Vec3) mesh.Vec3 {
	x, ok := solve(a, b)
	if !ok {
		return clampToBox(otherwise, low, high)
	}
	inner := clampToBox(x, low, high)
	if x == inner {
		return x
	}
	return descend(a, b, inner, low, high)
}

func times(a *[3][3]float64, x mesh.Vec3) mesh.Vec3 {
	return mesh.Vec3{mesh.Vec3(a[0]).Dot(x), mesh.Vec3(a[1]).Dot(x), mesh.Vec3(a[2]).Dot(x)}
}

func clampToBox(x, low, high mesh.Vec3) mesh.Vec3 {
	for i := range x {
		x[i] = min(max(x[i], low[i]), high[i])
	}
	return x
}

// solve returns x with a·x = b for a symmetric positive definite a.
func solve(a [3][3]float64, b mesh.Vec3) (mesh.Vec3, bool) {
	c0 := mesh.Vec3{a[1][1]*a[2][2] - a[1][2]*a[2][1], a[1][2]*a[2][0] - a[1][0]*a[2][2], a[1][0]*a[2][1] - a[1][1]*a[2][0]}
	det := a[0][0]*c0[0] + a[0][1]*c0[1] + a[0][2]*c0[2]
	if !(math.Abs(det) > 0) {
		return mesh.Vec3{}, false
	}
	rows := [3]mesh.Vec3{a[0], a[1], a[2]}
	// Cramer's rule: a is symmetric, so its rows are its columns.
	return mesh.Vec3{
		b.Dot(rows[1].Cross(rows[2])) / det,
		rows[0].Dot(b.Cross(rows[2])) / det,
		rows[0].Dot(rows[1].Cross(b)) / det,
	}, true
}

// descend minimises xᵀax - 2bᵀx over a box, one coordinate at a time, which for a
// convex function over a box ends at the least point.
func descend(a [3][3]float64, b, x, low, high mesh.Vec3) mesh.Vec3 {
	for range 40 {
		before := x
		for i := range 3 {
			rest := b[i]
			for j := range 3 {
				if j != i {
					rest -= a[i][j] * x[j]
				}
			}
			x[i] = min(max(rest/a[i][i], low[i]), high[i])
		}
		if x.Sub(before).Len() < 1e-6 {
			break
		}
	}
	return x
}
