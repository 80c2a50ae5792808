package rig

import (
	"cmp"
	"math"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// Difference says how far a skeleton is from the true one.
type Difference struct {
	// Joints is the mean of two means of distances: from each joint to the nearest true one, and
	// from each true joint to the nearest one (CD-J2J of RigNet, arXiv:2005.00559).
	Joints float64
	// Matched are pairs of joints within the tolerance of each other, each in one pair. Precision and
	// Recall are their shares of the joints and of the true ones, and IoU that of both together.
	Matched                int
	Precision, Recall, IoU float64
	// Parents is the share of the true joints, but the root, whose match has the match of their
	// parent as its parent. A joint without a match counts against it.
	Parents float64
}

// Compare compares a skeleton with the true one. Pairs are taken greedily, the nearest first.
// Both have at least one joint.
func Compare(got, want []Joint, tolerance float64) Difference {
	nearest := func(from, to []Joint) (sum float64) {
		for _, a := range from {
			best := math.Inf(1)
			for _, b := range to {
				best = min(best, a.At.Sub(b.At).Len())
			}
			sum += best
		}
		return sum / float64(len(from))
	}
	d := Difference{Joints: (nearest(got, want) + nearest(want, got)) / 2}
	to := match(got, want, tolerance)
	for i, j := range want {
		if to[i] < 0 {
			continue
		}
		d.Matched++
		if j.Parent != NoParent && to[j.Parent] >= 0 && got[to[i]].Parent == to[j.Parent] {
			d.Parents++
		}
	}
	n := float64(d.Matched)
	d.Precision, d.Recall = n/float64(len(got)), n/float64(len(want))
	d.IoU = n / (float64(len(got)+len(want)) - n)
	d.Parents /= float64(max(len(want)-1, 1))
	if len(want) == 1 {
		d.Parents = 1
	}
	return d
}

// match returns the joint that each true one is paired with, -1 for none.
func match(got, want []Joint, tolerance float64) []int {
	type pair struct {
		got, want int
		apart     float64
	}
	var pairs []pair
	for i, a := range want {
		for k, b := range got {
			if l := a.At.Sub(b.At).Len(); l <= tolerance {
				pairs = append(pairs, pair{k, i, l})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.apart, b.apart) })
	to, taken := slices.Repeat([]int{-1}, len(want)), make([]bool, len(got))
	for _, p := range pairs {
		if to[p.want] < 0 && !taken[p.got] {
			to[p.want], taken[p.got] = p.got, true
		}
	}
	return to
}

// Spread gives weights to the vertices of a mesh from those of points near its surface: those of
// the nearest points, by the inverse of the squared distance. There is at least one point.
func Spread(m *mesh.Mesh, points []mesh.Vec3, weights []Influences) []Influences {
	out := make([]Influences, len(m.Vertices))
	for v, p := range m.Vertices {
		near := [spreadPoints]int{}
		apart := [spreadPoints]float64{}
		n := 0
		for i, q := range points {
			d := p.Sub(q)
			l := d.Dot(d)
			if n == spreadPoints && l >= apart[n-1] {
				continue
			}
			at := min(n, spreadPoints-1)
			for ; at > 0 && apart[at-1] > l; at-- {
				near[at], apart[at] = near[at-1], apart[at-1]
			}
			near[at], apart[at] = i, l
			n = min(n+1, spreadPoints)
		}
		var all []Influence
		for k := range n {
			by := 1 / (apart[k] + 1e-9*(1+apart[n-1]))
			for _, x := range weights[near[k]] {
				all = append(all, Influence{x.Joint, x.Weight * by})
			}
		}
		out[v] = NewInfluences(all...)
	}
	return out
}

// spreadPoints is how many points a vertex takes its weights from.
const spreadPoints = 4
