package surface

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// pull is how strongly the mean of the samples holds a dual vertex, next to
// planes of the same weight: enough to settle it along a flat face or a straight
// edge, and it rounds a right-angled edge by 2% of the distance.
const pull = 0.01

// quadric sums weighted planes and finds the point nearest to all of them:
//
//	E(x) = sum_i w_i (n_i·(x - p_i))² + pull · W |x - mean p|²,   W = sum_i w_i
//
// Source: the error of Ju et al., "Dual Contouring of Hermite Data", 2002.
type quadric struct {
	a      [3][3]float64 // sum w n nᵀ
	b      mesh.Vec3     // sum w n (n·p)
	mean   mesh.Vec3     // sum w p
	normal mesh.Vec3     // sum w n
	weight float64
}

// add takes a plane through p with unit normal n.
func (q *quadric) add(n, p mesh.Vec3, w float64) {
	d := n.Dot(p)
	for i := range 3 {
		for j := range 3 {
			q.a[i][j] += w * n[i] * n[j]
		}
		q.b[i] += w * n[i] * d
	}
	q.mean = q.mean.Add(p.Scale(w))
	q.normal = q.normal.Add(n.Scale(w))
	q.weight += w
}

// point returns where E is least in the unit cell whose low corner is the
// origin; planes must be in the cell's units. There must be at least one plane.
func (q *quadric) point() mesh.Vec3 {
	a, b := q.a, q.b
	for i := range 3 {
		a[i][i] += pull * q.weight
		b[i] += pull * q.mean[i]
	}
	x, ok := solve(a, b)
	if !ok {
		return clampToCell(q.mean.Scale(1 / q.weight))
	}
	if x == clampToCell(x) {
		return x
	}
	return descend(a, b, clampToCell(x))
}

func clampToCell(x mesh.Vec3) mesh.Vec3 {
	for i := range x {
		x[i] = min(max(x[i], 0), 1)
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

// descend minimises xᵀax - 2bᵀx over the unit cell, one coordinate at a time,
// which for a convex function over a box ends at the least point.
func descend(a [3][3]float64, b, x mesh.Vec3) mesh.Vec3 {
	for range 40 {
		before := x
		for i := range 3 {
			rest := b[i]
			for j := range 3 {
				if j != i {
					rest -= a[i][j] * x[j]
				}
			}
			x[i] = min(max(rest/a[i][i], 0), 1)
		}
		if x.Sub(before).Len() < 1e-6 {
			break
		}
	}
	return x
}
