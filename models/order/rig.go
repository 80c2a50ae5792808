package order

import (
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/models/system"
)

// Rig predicts a skeleton joint by joint, in breadth-first order, from the points of a surface,
// and then which joints move each point. The points see each other. A joint's row sees the
// points and the joints before it. From the state of the row before, a joint's place is
// drawn, and from that state and the place its parent among the joints before. The next row
// is fed both, so a parent is known before the next place is drawn.
//
// The root hangs on the start of the sequence. So does what ends it: a joint whose parent is
// the start again, at the place of the root.
//
// A point is two tokens, its position and its normal, which are given. A joint is two more, its place
// and its parent, and a point's influences are one. Candidates of a parent and of influences are
// the start and the joints, counted from the start, packed as by [sample.PackInfluence].
//
// Source: Liu et al., "RigAnything: Template-Free Autoregressive Rigging for Diverse 3D Assets",
// 2025, arXiv:2502.09615. Its end of a sequence is not told; that one is ours.
type Rig struct {
	Points, Joints int // of a surface, and of a skeleton at most
	Skins          int // points whose influences a lesson has
}

// The stages of a rig: rows of points and joints, places, parents, and influences.
const (
	RigRead = iota
	RigPlace
	RigParent
	RigSkin
)

// Fixed ids of a rig: what a row is, then the joint's number, then its parent's.
const (
	rigPoint = iota
	rigStart
	rigJoint
	rigPlace
	rigParent
	rigSkin
	// RigKinds is where the numbers of joints begin. Behind them begin those of parents.
	RigKinds
)

// Columns of a rig's rows: positions, normals, places and parents' places.
const (
	RigFixed   = 3
	RigInputs  = 4
	RigRecalls = 2 // the row's own state, and the first of the candidates'
)

// RigGroup is the number of points whose influences are predicted together.
const RigGroup = 16

// Bounds of a rig's sizes.
const (
	RigMostPoints = 1 << 14
	RigMostJoints = 1 << 9
)

// Validate returns an error wrapping [system.ErrRequest] for sizes that no rig has.
func (r Rig) Validate() error {
	if r.Points < RigGroup || r.Points > RigMostPoints || r.Points%RigGroup != 0 || r.Joints < 2 || r.Joints > RigMostJoints || r.Skins < 1 || r.Skins > r.Points {
		return fmt.Errorf("order: %w: %d points in multiples of %d, %d joints, influences of %d points", system.ErrRequest, r.Points, RigGroup, r.Joints, r.Skins)
	}
	return nil
}

// Context is the number of rows of points and joints. They keep their states at places of
// the same numbers.
func (r Rig) Context() int { return r.Points + r.Candidates() }

// Candidates is the number of candidates of a parent.
func (r Rig) Candidates() int { return 1 + r.Joints }

// Positions is the number of tokens.
func (r Rig) Positions() int { return r.skin(r.Points) }

// Drawn is the number of tokens of a lesson at most, and of rows that predict them.
func (r Rig) Drawn() int { return r.Candidates() + r.Joints + r.Skins }

// Group is the number of rows of a step at most.
func (r Rig) Group() int { return r.Points }

// The positions of tokens: of a point's position, and behind it of its normal; of a joint's
// place, and behind it of its parent; and of a point's influences.
func (r Rig) point(i int) int32 { return int32(2 * i) }
func (r Rig) joint(k int) int32 { return int32(2*r.Points + 2*k) }
func (r Rig) skin(i int) int    { return 2*r.Points + 2*r.Candidates() + i }

// The words of a rig's token, and of those of the canvas that Place, Parent and Skin return.
const rigWords = sample.MostInfluences

func words(tokens []uint32, at int) []uint32 {
	if len(tokens) < (at+1)*rigWords {
		return nil
	}
	return tokens[at*rigWords : (at+1)*rigWords]
}

// Point returns the words of a point's position and normal, nil where they are not there.
func (r Rig) Point(tokens []uint32, i int) (at, normal []uint32) {
	return words(tokens, int(r.point(i))), words(tokens, int(r.point(i))+1)
}

// Place returns the words of a joint's place.
func (r Rig) Place(tokens []uint32, k int) []uint32 { return words(tokens, int(r.joint(k))) }

// Parent returns the words of a joint's parent.
func (r Rig) Parent(tokens []uint32, k int) []uint32 { return words(tokens, int(r.joint(k))+1) }

// Skin returns the words of a point's influences.
func (r Rig) Skin(tokens []uint32, i int) []uint32 { return words(tokens, r.skin(i)) }

// Parents returns the parents of the joints that tokens hold up to the end, -1 for the root. The
// error wraps [system.ErrRequest] for one that does not stand before its joint.
func (r Rig) Parents(tokens []uint32) (parents []int, err error) {
	for k := range r.Joints {
		p, err := r.parent(tokens, k)
		if err != nil {
			return nil, err
		}
		if k > 0 && p < 0 {
			break
		}
		parents = append(parents, p)
	}
	return parents, nil
}

// parent returns the parent of joint k, -1 for the start.
func (r Rig) parent(tokens []uint32, k int) (int, error) {
	if k == 0 {
		return -1, nil
	}
	w := r.Parent(tokens, k)
	if w == nil {
		return 0, fmt.Errorf("order: %w: joint %d of a rig has no parent yet", system.ErrRequest, k)
	}
	c, _, ok := sample.UnpackInfluence(math.Float32frombits(w[0]))
	if !ok || c > k {
		return 0, fmt.Errorf("order: %w: joint %d of a rig hangs on candidate %d (%t)", system.ErrRequest, k, c, ok)
	}
	return c - 1, nil
}

// Schedule returns the runs of a surface, whose points are given.
func (r Rig) Schedule() (system.Schedule, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	var parents []int
	ended := false
	more := func(tokens []uint32) ([]system.Run, error) {
		if ended {
			return nil, nil
		}
		k := len(parents)
		p, err := r.parent(tokens, k)
		if err != nil {
			return nil, err
		}
		if ended = k > 0 && p < 0; !ended {
			parents = append(parents, p)
			ended = len(parents) == r.Joints
		}
		if ended {
			return []system.Run{r.skins(len(parents), count(0, r.Points), RigGroup)}, nil
		}
		place := r.places(k+1, 1)
		place.Before = []system.Run{r.joints(parents, k, k+1)}
		return []system.Run{place, r.parents(k+1, k+2)}, nil
	}
	first := r.places(0, 1)
	first.Before = []system.Run{r.joints(nil, -1, 0)}
	return Grow(more, r.read(), first), nil
}

// Lesson returns the runs of one lesson of a rig whose tokens are known: of all joints, of the
// end, where there is room for it, and of the influences of some points.
func (r Rig) Lesson(word func(i uint32) uint32) (system.Schedule, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	asked := false
	return Grow(func(tokens []uint32) ([]system.Run, error) {
		if asked {
			return nil, nil
		}
		asked = true
		parents, err := r.Parents(tokens)
		if err != nil {
			return nil, err
		}
		n := len(parents)
		points := Shuffle(r.Points, word)[:r.Skins]
		slices.Sort(points)
		drawn := min(n+1, r.Joints) // places
		return []system.Run{r.read(), r.joints(parents, -1, n), r.places(0, drawn), r.parents(1, drawn), r.skins(n, points, len(points))}, nil
	}), nil
}

// rigRun begins a run of a stage.
func rigRun(stage int) system.Run { return system.Run{Stage: stage} }

// rigRow appends a row. Its slot is also the place of its state.
func rigRow(to *system.Run, fixed [RigFixed]int32, inputs [RigInputs]int32, slot, sees int32, recalls [RigRecalls]int32) {
	to.N++
	to.Group = to.N
	to.Fixed, to.Inputs = append(to.Fixed, fixed[:]...), append(to.Inputs, inputs[:]...)
	to.Slot, to.Keep, to.KVLen = append(to.Slot, slot), append(to.Keep, slot), append(to.KVLen, sees)
	to.Recall = append(to.Recall, recalls[:]...)
}

// rigTarget appends a target of the row that was appended last.
func rigTarget(to *system.Run, at int32, within ...int32) {
	to.Targets.N++
	to.GroupTargets = to.Targets.N
	to.Targets.At, to.Targets.TokenRange = append(to.Targets.At, at), append(to.Targets.TokenRange, within...)
}

var (
	noInputs  = [RigInputs]int32{system.Nothing, system.Nothing, system.Nothing, system.Nothing}
	noRecalls = [RigRecalls]int32{-1, -1}
)

// read is the run of the points. They see each other.
func (r Rig) read() system.Run {
	out := rigRun(RigRead)
	for i := range r.Points {
		in := noInputs
		in[0], in[1] = r.point(i), r.point(i)+1
		rigRow(&out, [RigFixed]int32{rigPoint, -1, -1}, in, int32(i), int32(r.Points), noRecalls)
	}
	return out
}

// joints is the run of rows of the joints [from, to). Joint -1 is the start.
func (r Rig) joints(parents []int, from, to int) system.Run {
	out := rigRun(RigRead)
	for k := from; k < to; k++ {
		fixed, in := [RigFixed]int32{rigStart, -1, -1}, noInputs
		if k >= 0 {
			fixed, in[2] = [RigFixed]int32{rigJoint, int32(RigKinds + k), -1}, r.joint(k)
			if p := parents[k]; p >= 0 {
				fixed[2], in[3] = int32(RigKinds+r.Joints+p), r.joint(p)
			}
		}
		slot := int32(r.Points + 1 + k)
		rigRow(&out, fixed, in, slot, slot+1, noRecalls)
	}
	return out
}

// places is the run that draws the places of n joints, from the states of the rows before them.
func (r Rig) places(from, n int) system.Run {
	out := rigRun(RigPlace)
	for k := from; k < from+n; k++ {
		rigRow(&out, [RigFixed]int32{rigPlace, -1, -1}, noInputs, -1, 0, [RigRecalls]int32{int32(r.Points + k), -1})
		rigTarget(&out, r.joint(k))
	}
	return out
}

// parents is the run that finds the parents of the joints [from, to).
func (r Rig) parents(from, to int) system.Run {
	out := rigRun(RigParent)
	for k := from; k < to; k++ {
		in := noInputs
		in[2] = r.joint(k)
		rigRow(&out, [RigFixed]int32{rigParent, -1, -1}, in, -1, 0, [RigRecalls]int32{int32(r.Points + k), int32(r.Points)})
		rigTarget(&out, r.joint(k)+1, 0, int32(k+1))
	}
	return out
}

// skins is the run that finds the influences of points, among n joints.
func (r Rig) skins(n int, points []int32, group int) system.Run {
	out := rigRun(RigSkin)
	for _, i := range points {
		rigRow(&out, [RigFixed]int32{rigSkin, -1, -1}, noInputs, -1, 0, [RigRecalls]int32{i, int32(r.Points)})
		rigTarget(&out, int32(r.skin(int(i))), 1, int32(n+1))
	}
	out.Group, out.GroupTargets = group, group
	return out
}
