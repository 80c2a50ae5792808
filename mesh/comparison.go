package mesh

import (
	"errors"
	"fmt"
	"math"
)

// ErrCloud reports a set of samples that cannot be compared.
var ErrCloud = errors.New("bad point set")

// Cloud is a set of samples of a surface. Normals, where given, are unit vectors
// in the order of the points.
type Cloud struct {
	Points  []Vec3
	Normals []Vec3
}

// Comparison holds the distances between two sets of samples, P and Q: for each
// point of one the nearest point of the other. The measures read from it are
// symmetric in P and Q, except precision and recall.
//
// Values depend on the number of samples and on the scale: normalise the
// reference to a known box first, and say what was done beside the number.
type Comparison struct {
	p, q     Cloud
	pToQ     []float64 // [p] d(p, Q) = min_q |p − q|
	qToP     []float64
	nearestQ []int32 // [p] the q that is nearest
	nearestP []int32
}

// Compare finds the nearest points in both directions in O(n log n). It
// returns an error wrapping [ErrCloud] if either set is empty, or has normals
// but not one for every point; [ErrNotFinite] if a coordinate is not finite.
func Compare(p, q Cloud) (*Comparison, error) {
	for _, c := range []Cloud{p, q} {
		if len(c.Points) == 0 || len(c.Normals) != 0 && len(c.Normals) != len(c.Points) {
			return nil, fmt.Errorf("mesh.Compare: %w: %d points, %d normals", ErrCloud, len(c.Points), len(c.Normals))
		}
		for i, x := range c.Points {
			if s := x.Dot(x); math.IsNaN(s) || math.IsInf(s, 0) {
				return nil, fmt.Errorf("mesh.Compare: %w: point %d is %v", ErrNotFinite, i, x)
			}
		}
	}
	c := &Comparison{p: p, q: q}
	c.pToQ, c.nearestQ = nearestAll(p.Points, q.Points)
	c.qToP, c.nearestP = nearestAll(q.Points, p.Points)
	return c, nil
}

func nearestAll(from, to []Vec3) (distances []float64, nearest []int32) {
	index := NewPointIndex(to)
	distances, nearest = make([]float64, len(from)), make([]int32, len(from))
	for i, p := range from {
		nearest[i], distances[i] = index.Nearest(p)
	}
	return distances, nearest
}

// ChamferL1 returns the half-sum of the mean distances:
//
//	½ ( mean_p d(p, Q) + mean_q d(q, P) )
func (c *Comparison) ChamferL1() float64 { return (mean(c.pToQ) + mean(c.qToP)) / 2 }

// ChamferL2 returns the sum of the mean squared distances:
//
//	mean_p d(p, Q)² + mean_q d(q, P)²
func (c *Comparison) ChamferL2() float64 { return meanSquare(c.pToQ) + meanSquare(c.qToP) }

// Hausdorff returns the largest distance of any point from the other set:
//
//	max( max_p d(p, Q), max_q d(q, P) )
//
// It hangs on single points, and so on the number of samples.
func (c *Comparison) Hausdorff() float64 {
	largest := 0.0
	for _, distances := range [][]float64{c.pToQ, c.qToP} {
		for _, d := range distances {
			largest = max(largest, d)
		}
	}
	return largest
}

// FScore returns the harmonic mean of precision and recall at the threshold
// tau, a distance, with P as the result and Q as the reference:
//
//	precision = share of p with d(p, Q) < tau
//	recall    = share of q with d(q, P) < tau
//	F         = 2 · precision · recall / (precision + recall), 0 if both are 0
//
// Source: Knapitsch et al., "Tanks and Temples", ACM TOG 36(4), 2017.
func (c *Comparison) FScore(tau float64) (f, precision, recall float64) {
	precision, recall = shareBelow(c.pToQ, tau), shareBelow(c.qToP, tau)
	if precision+recall > 0 {
		f = 2 * precision * recall / (precision + recall)
	}
	return f, precision, recall
}

// NormalConsistency returns how well normals agree with those of the nearest
// points, averaged over both directions:
//
//	signed   = ½ ( mean_p n_p · n_nearest(p) + mean_q n_q · n_nearest(q) )
//	absolute = the same with | n · n | in place of n · n
//
// The signed value shows faces turned inside out, the absolute one does not.
// Both are 0 if either set has no normals.
func (c *Comparison) NormalConsistency() (signed, absolute float64) {
	if len(c.p.Normals) == 0 || len(c.q.Normals) == 0 {
		return 0, 0
	}
	s0, a0 := meanAgreement(c.p.Normals, c.q.Normals, c.nearestQ)
	s1, a1 := meanAgreement(c.q.Normals, c.p.Normals, c.nearestP)
	return (s0 + s1) / 2, (a0 + a1) / 2
}

func meanAgreement(from, to []Vec3, nearest []int32) (signed, absolute float64) {
	for i, n := range from {
		d := n.Dot(to[nearest[i]])
		signed += d
		absolute += math.Abs(d)
	}
	return signed / float64(len(from)), absolute / float64(len(from))
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func meanSquare(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v * v)
	}
	return sum / float64(len(x))
}

func shareBelow(x []float64, tau float64) float64 {
	n := 0
	for _, v := range x {
		if v < tau {
			n++
		}
	}
	return float64(n) / float64(len(x))
}
