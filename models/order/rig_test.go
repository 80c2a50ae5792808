package order

import (
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/models/system"
)

var smallRig = Rig{Points: 32, Joints: 5, Skins: 6}

// rigTokens are the tokens of a skeleton, with the end behind it if there is room.
func rigTokens(r Rig, parents []int) []uint32 {
	tokens := make([]uint32, r.Positions()*rigWords)
	for k, p := range parents {
		r.Parent(tokens, k)[0] = math.Float32bits(sample.PackInfluence(p+1, 1))
	}
	if len(parents) < r.Joints {
		r.Parent(tokens, len(parents))[0] = math.Float32bits(sample.PackInfluence(0, 1))
	}
	return tokens
}

// drawRig drives the schedule as the engine does, and returns all runs, each behind those
// before it.
func drawRig(t *testing.T, r Rig, tokens []uint32) (runs []system.Run) {
	t.Helper()
	s, err := r.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	known := 2 * r.Points
	for {
		run, err := s.Next(tokens[:known*rigWords]) // no token behind those that were drawn
		if errors.Is(err, io.EOF) {
			return runs
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range run.Each() {
			runs = append(runs, x)
			for _, in := range x.Inputs {
				if int(in) >= known {
					t.Fatalf("a row is fed position %d of %d that are known", in, known)
				}
			}
		}
		for _, at := range run.Targets.At {
			known = max(known, int(at)+1)
		}
	}
}

// TestRigDrawsEachPositionOnce draws skeletons of several shapes: every joint's place and parent, the
// end where there is room, and the influences of every point, once each.
func TestRigDrawsEachPositionOnce(t *testing.T) {
	r := smallRig
	for name, parents := range map[string][]int{"root": {-1}, "chain": {-1, 0, 1}, "star": {-1, 0, 0, 0}, "full": {-1, 0, 0, 1, 2}} {
		runs := drawRig(t, r, rigTokens(r, parents))
		drawn := map[int32]int{}
		for _, run := range runs {
			for _, at := range run.Targets.At {
				drawn[at]++
			}
		}
		n := len(parents)
		want := r.Points
		for k := range min(n+1, r.Joints) {
			if want++; drawn[r.joint(k)] != 1 {
				t.Errorf("%s: the place of joint %d is drawn %d times", name, k, drawn[r.joint(k)])
			}
			if k > 0 {
				if want++; drawn[r.joint(k)+1] != 1 {
					t.Errorf("%s: the parent of joint %d is drawn %d times", name, k, drawn[r.joint(k)+1])
				}
			}
		}
		if len(drawn) != want {
			t.Errorf("%s: %d positions are drawn, want %d", name, len(drawn), want)
		}
		last := runs[len(runs)-1]
		if last.Stage != RigSkin || !slices.Equal(last.Targets.TokenRange[:2], []int32{1, int32(n + 1)}) || last.Group != RigGroup {
			t.Errorf("%s: influences are of stage %d, in %v, %d at once", name, last.Stage, last.Targets.TokenRange[:2], last.Group)
		}
	}
}

// TestRigFeedsParents looks at the row of a joint: it is fed its own place and its parent's, has
// both numbers, and stands behind the rows that it sees.
func TestRigFeedsParents(t *testing.T) {
	r := smallRig
	for _, parent := range []int{0, 1} {
		for _, run := range drawRig(t, r, rigTokens(r, []int{-1, 0, parent, 0})) {
			if run.Stage != RigRead || run.N != 1 || run.Slot[0] != int32(r.Points+1+2) {
				continue
			}
			fixed := []int32{rigJoint, RigKinds + 2, int32(RigKinds + r.Joints + parent)}
			in := []int32{system.Nothing, system.Nothing, r.joint(2), r.joint(parent)}
			if !slices.Equal(run.Fixed, fixed) || !slices.Equal(run.Inputs, in) || run.KVLen[0] != run.Slot[0]+1 || run.Keep[0] != run.Slot[0] {
				t.Errorf("parent %d: ids %v, inputs %v, sees %d, kept at %d", parent, run.Fixed, run.Inputs, run.KVLen[0], run.Keep[0])
			}
			parent = -1
		}
		if parent >= 0 {
			t.Error("joint 2 has no row")
		}
	}
}

// TestRigLessonIsTheDrawing compares a lesson's rows with those of the schedule: they are the same
// but for the points whose influences are left out.
func TestRigLessonIsTheDrawing(t *testing.T) {
	r := smallRig
	for name, parents := range map[string][]int{"end": {-1, 0, 1, 1}, "full": {-1, 0, 0, 1, 2}} {
		tokens := rigTokens(r, parents)
		type row struct {
			stage, slot, sees, first, at int32
			own                          int32
		}
		rows := func(runs []system.Run) map[row]bool {
			all := map[row]bool{}
			for _, run := range runs {
				for i := range run.N {
					x := row{int32(run.Stage), run.Slot[i], run.KVLen[i], run.Recall[2*i+1], -1, run.Recall[2*i]}
					if run.Targets.N > 0 {
						x.at = run.Targets.At[i]
					}
					all[x] = true
				}
			}
			return all
		}
		s, err := r.Lesson(func(i uint32) uint32 { return i * 2654435761 })
		if err != nil {
			t.Fatal(err)
		}
		var lesson []system.Run
		for {
			run, err := s.Next(tokens)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			lesson = append(lesson, run)
		}
		drawn, taught := rows(drawRig(t, r, tokens)), rows(lesson)
		for x := range taught {
			// The last row of a full skeleton is there, and nothing is drawn from it.
			if !drawn[x] && x.slot != int32(r.Points+r.Joints) {
				t.Errorf("%s: a lesson has the row %+v, which nothing draws", name, x)
			}
		}
		skins := 0
		for x := range drawn {
			switch {
			case x.stage == RigSkin:
				skins++
			case !taught[x]:
				t.Errorf("%s: no lesson has the row %+v", name, x)
			}
		}
		if skins != r.Points || len(taught) != len(drawn)-skins+r.Skins+btoi(name == "full") {
			t.Errorf("%s: %d rows in a lesson, %d drawn, %d of influences", name, len(taught), len(drawn), skins)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestRigRefuses takes sizes and parents that make no rig.
func TestRigRefuses(t *testing.T) {
	for _, r := range []Rig{{}, {Points: 31, Joints: 5, Skins: 1}, {Points: 32, Joints: 1, Skins: 1}, {Points: 32, Joints: 5, Skins: 33}, {Points: 1 << 15, Joints: 5, Skins: 1}} {
		if _, err := r.Schedule(); !errors.Is(err, system.ErrRequest) {
			t.Errorf("%+v: %v", r, err)
		}
		if _, err := r.Lesson(nil); !errors.Is(err, system.ErrRequest) {
			t.Errorf("a lesson of %+v: %v", r, err)
		}
	}
	for name, c := range map[string]float32{"a later joint": sample.PackInfluence(3, 1), "nothing": 0, "no number": float32(math.NaN())} {
		tokens := rigTokens(smallRig, []int{-1, 0, 1})
		smallRig.Parent(tokens, 2)[0] = math.Float32bits(c)
		if _, err := smallRig.Parents(tokens); !errors.Is(err, system.ErrRequest) {
			t.Errorf("%s as a parent: %v", name, err)
		}
	}
	if _, err := smallRig.Parents(nil); !errors.Is(err, system.ErrRequest) {
		t.Errorf("no tokens: %v", err)
	}
}
