package order

import (
	"fmt"

	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/system"
)

// Faces predicts the coordinates of a face sequence one by one, behind the points of a
// surface. A row of a coordinate is fed the last three, and the same coordinate of the
// three vertices before the last and of the face before. It sees all positions before it,
// and itself. The axes are face and slot.
//
// Source: the face layout is QuadGPT's, 2025, arXiv:2509.21420; the rows are ours.
type Faces struct {
	sequence.Options
	Points int
}

// Columns of a row of [Faces].
const (
	FaceFixed  = 5 // kind (0 point, 1+slot), and x, y, z and normal of a point
	FaceInputs = len(back)
	FaceAxes   = 2
	FaceIds    = faceKinds + 3*pointLevels + normals // fixed ids

	faceKinds   = 1 + sequence.FaceTokens
	pointLevels = 64 // of a point's coordinate, 6 bits
	normals     = 64 // of its normal, 6 bits
)

// back lists how far before a position its input tokens lie.
var back = [6]int{1, 2, 3, 6, 9, sequence.FaceTokens}

// Schedule returns the runs of n coordinates behind points. The first given positions
// have tokens; they are the points at least. The error wraps system.ErrPrompt.
func (f Faces) Schedule(points []int64, n, given int) (system.Schedule, error) {
	if len(points) != f.Points || n < 0 || given < f.Points || given > f.Points+n {
		return nil, fmt.Errorf("order.Faces: %w: %d points of %d, %d coordinates, %d positions given", system.ErrPrompt, len(points), f.Points, n, given)
	}
	var p Positions
	for i, code := range points {
		if code < 0 || code >= 1<<24 {
			return nil, fmt.Errorf("order.Faces: %w: point %d is %d", system.ErrPrompt, i, code)
		}
		p.point(int32(code))
	}
	for i := range n {
		p.coordinate(f, i)
	}
	return Fixed(p.Runs(0, given, 1)...), nil
}

// point appends the row of a point: 6 bits each of x, y, z and normal from the lowest.
func (p *Positions) point(x int32) {
	fed := make([]int32, FaceInputs)
	for k := range fed {
		fed[k] = system.Start
	}
	p.Add(PointIDs(x), fed, []int32{0, 0}, int32(p.N+1), 0, 0)
}

// PointIDs are the fixed ids of a point: 6 bits each of x, y, z and normal from the lowest.
func PointIDs(x int32) []int32 {
	const last = faceKinds + 2*pointLevels
	return []int32{0, faceKinds + x&63, faceKinds + pointLevels + x>>6&63, last + x>>12&63, last + pointLevels + x>>18}
}

// coordinate appends the row of coordinate i behind the points.
func (p *Positions) coordinate(f Faces, i int) {
	slot := i % sequence.FaceTokens
	fed := make([]int32, FaceInputs)
	for k, b := range back {
		if fed[k] = system.Start; i >= b {
			fed[k] = int32(p.N - b)
		}
	}
	p.Add([]int32{int32(1 + slot), -1, -1, -1, -1}, fed, []int32{int32(1 + i/sequence.FaceTokens), int32(slot)}, int32(p.N+1), 0, FaceTop(f.Options, slot))
}

// FaceTop is one past the highest token of a slot of a face. An end token may stand where a
// face starts, pads in its first three slots.
func FaceTop(o sequence.Options, slot int) int32 {
	switch {
	case slot == 0:
		return o.EOS() + 1
	case slot < 3:
		return o.Pad() + 1
	}
	return int32(o.Levels)
}
