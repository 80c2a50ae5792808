package distance

import "github.com/morton-gen/morton/mesh"

// closestOnTriangle returns the point of triangle a, b, c nearest to p: the
// projection of p if it lies inside, else the nearest point of the three sides.
// A triangle without area consists of its sides.
func closestOnTriangle(p, a, b, c mesh.Vec3) mesh.Vec3 {
	n := b.Sub(a).Cross(c.Sub(a))
	if nn := n.Dot(n); nn > 0 {
		inside := n.Cross(b.Sub(a)).Dot(p.Sub(a)) >= 0 &&
			n.Cross(c.Sub(b)).Dot(p.Sub(b)) >= 0 &&
			n.Cross(a.Sub(c)).Dot(p.Sub(c)) >= 0
		if inside {
			return p.Sub(n.Scale(p.Sub(a).Dot(n) / nn))
		}
	}
	best, bestSquared := mesh.Vec3{}, -1.0
	for _, side := range [3][2]mesh.Vec3{{a, b}, {b, c}, {c, a}} {
		q := closestOnSegment(p, side[0], side[1])
		d := p.Sub(q)
		if s := d.Dot(d); bestSquared < 0 || s < bestSquared {
			best, bestSquared = q, s
		}
	}
	return best
}

// closestOnSegment returns the point of the segment a, b nearest to p.
func closestOnSegment(p, a, b mesh.Vec3) mesh.Vec3 {
	d := b.Sub(a)
	length := d.Dot(d)
	if length == 0 {
		return a
	}
	switch t := p.Sub(a).Dot(d) / length; {
	case t <= 0:
		return a
	case t >= 1:
		return b
	default:
		return a.Add(d.Scale(t))
	}
}
