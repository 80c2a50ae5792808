package octree

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree/internal/keyset"
)

// Sample is what the points of one leaf have in common.
type Sample struct {
	Point  mesh.Vec3 // mean of the points
	Normal mesh.Vec3 // sum of the normals scaled to length 1, zero if it vanishes
	Count  int       // number of points
}

// FromPoints returns the tree whose leaves at level depth are the cells that
// hold a point, and one sample for each leaf in Morton order. Point p lies in
// the cell floor((p+1)·2^(depth-1)); the domain's upper faces belong to the last
// cells. normals is nil or has one normal a point.
//
// It returns an error wrapping [ErrDepth], [ErrEmpty], [ErrDomain] for a point
// outside [-1,1]^3 or a normal component that is not finite or over 1e100, [ErrTokens] if there are
// normals but not as many as points, or [ErrLimit]. Sums run in the order of
// the points.
//
// Source: the octree of points of Wang et al., "O-CNN", 2017, arXiv:1712.01537.
func FromPoints(points, normals []mesh.Vec3, depth int) (*Octree, []Sample, error) {
	if err := checkDepth("octree.FromPoints", depth); err != nil {
		return nil, nil, err
	}
	if len(points) == 0 {
		return nil, nil, fmt.Errorf("octree.FromPoints: %w: no points", ErrEmpty)
	}
	if normals != nil && len(normals) != len(points) {
		return nil, nil, fmt.Errorf("octree.FromPoints: %w: %d normals, %d points", ErrTokens, len(normals), len(points))
	}
	set := keyset.New(depth)
	for i, p := range points {
		if !within(p, 1) || normals != nil && !within(normals[i], 1e100) {
			return nil, nil, fmt.Errorf("octree.FromPoints: %w: point %d at %v", ErrDomain, i, p)
		}
		set.Add(uint64(pointKey(p, depth)))
	}
	o, err := fromSet("octree.FromPoints", depth, set)
	if err != nil {
		return nil, nil, err
	}
	return o, gatherSamples(set, points, normals, depth), nil
}

func gatherSamples(set *keyset.Set, points, normals []mesh.Vec3, depth int) []Sample {
	samples := make([]Sample, set.Len())
	for i, p := range points {
		s := &samples[set.Rank(uint64(pointKey(p, depth)))]
		s.Point = s.Point.Add(p)
		s.Count++
		if normals != nil {
			s.Normal = s.Normal.Add(normals[i])
		}
	}
	for i := range samples {
		samples[i].Point = samples[i].Point.Scale(1 / float64(samples[i].Count))
		samples[i].Normal = samples[i].Normal.Unit()
	}
	return samples
}

// within tells whether every coordinate lies in [-limit, limit]; NaN does not.
func within(p mesh.Vec3, limit float64) bool {
	for _, x := range p {
		if !(x >= -limit && x <= limit) {
			return false
		}
	}
	return true
}

func pointKey(p mesh.Vec3, depth int) Key {
	var cell [3]uint32
	last := float64(int(1)<<depth - 1)
	for i, x := range ToGrid(p, depth) {
		cell[i] = uint32(min(math.Floor(x), last))
	}
	return Encode(cell[0], cell[1], cell[2])
}
