package grammar

import (
	"math"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/sample"
)

// SurfaceArgs are the operands of [Surface].
type SurfaceArgs struct {
	FacesArgs
	Guide *gpu.Tensor // u32 [b, SurfaceWords(Levels)]: every slot's guide; one of zeros is none
	Mask  *gpu.Tensor // u32 [r, ceil(v/32)], of Faces; it is narrowed
}

// Surface narrows the mask of [Faces] to faces that lie along a surface, which a
// [Guide] describes. It looks ahead to the end of the vertex at hand: a coordinate is
// allowed if some vertex that begins so is. A vertex must lie in a cell of the surface,
// and no vertex may be used again that has a face on each side of all its edges. Beside
// that, a face's first corner keeps to
//
//   - closedness: it is at most the lowest vertex that has an open edge, since no later
//     face could close that edge; edges at the surface's own boundary do not count;
//   - coverage: no point of the surface lies uncovered so far below it that no later face
//     could cover it. A point is covered within the guide's radius of a face.
//
// The rule compares the used share of the budget with the share of covered points. If the
// first is ahead by more than a quarter, it gives up as many of the lowest uncovered
// points as are missing, and the open edges below them. Then a first corner must be as
// high as the next one.
//
// No more than a quarter of the budget are triangles. The end may come when none of this
// says otherwise. The other corners keep to
//
//   - chords: the middle of an edge, its quarters if it is long, and the middle of a face
//     lie near the surface, within about an eighth of the edge's length;
//   - shape: a face is not flat, and its corners all turn one way;
//   - joining: if the first corner has open edges, the face closes one of them.
//
// If no vertex keeps to all of these, the best that there are may stand: without the last
// rule of the first corner, then without both; without the last two of the other corners,
// then without all three. If there is none in a cell of the surface, the mask stays.
//
// A row's mask depends on its slot's earlier tokens and guide alone. The work of a row
// grows with its faces. Errors wrap [gpu.ErrShape].
//
// Source: ours. The order of faces in which what lies behind stays behind is that of
// package mesh/sequence.
func Surface(r *gpu.Recorder, a SurfaceArgs) {
	const where = "grammar.Surface"
	n := SurfaceWords(a.Levels)
	if n == 0 || a.Tokens == nil || a.Seq == nil || len(a.Tokens.Shape) < 2 || a.Start < 0 || a.Start >= a.Tokens.Dim(1) {
		r.Fail(launch.Error(where, "levels=%d start=%d", a.Levels, a.Start))
		return
	}
	rows, slots, length, words := a.Seq.Elems(), a.Tokens.Dim(0), a.Tokens.Dim(1), sample.MaskWords(a.Levels+2)
	err := launch.Check(where, launch.U32("Tokens", a.Tokens, slots*length), launch.I32("Seq", a.Seq, rows), launch.U32("Draw", a.Draw, rows*sample.DrawWords),
		launch.U32("Guide", a.Guide, slots*n), launch.U32("Mask", a.Mask, rows*words))
	if err != nil {
		r.Fail(err)
		return
	}
	w := launch.Work(0, a.Seq, a.Draw, a.Mask)
	w.Flops = int64(rows) // and as many as faces, points and cells make
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "grammar", "surface"), Grid: gpu.Linear(rows),
		In: []*gpu.Tensor{a.Tokens, a.Seq, a.Draw, a.Guide}, Out: []*gpu.Tensor{a.Mask},
		Params: []uint32{uint32(rows), uint32(length), uint32(a.Start), uint32(a.Levels), uint32(words), uint32(n)},
		Work:   w,
	})
}

// Extents of a guide.
const (
	guideHead = 4
	// GuidePoints is the number of points whose coverage is watched, at most.
	GuidePoints = 1024
	pyramids    = 4
	guideUnits  = 1024 // of a point's coordinate over all levels
	flat        = 1 << 30
)

// SurfaceWords returns the words of a guide, 0 if there is none for so many levels: they
// are a multiple of 32 up to 128.
func SurfaceWords(levels int) int {
	if levels < 32 || levels > 128 || levels%32 != 0 {
		return 0
	}
	return pyramid(levels, pyramids+1) + GuidePoints
}

// pyramid returns the word at which level k of the pyramid begins. Level 4 is the rim, by
// blocks of 2 cells a side, and behind level 5 are the points.
func pyramid(levels, k int) int {
	words := guideHead
	for j := range k {
		s := levels >> j
		if j == pyramids {
			s = levels >> 1
		}
		words += s * s * s / 32
	}
	return words
}

// Guide is a surface as [Surface] reads it. Its words: 1 if there is one; the number of
// points; their radius, f32 in cells; the budget of faces. Then come bits of the cells that hold the surface,
// of blocks of 2, 4 and 8 cells a side near it, and of blocks of 2 near its boundary, each
// by (z·side + x)·side + y. Then the points, ascending: z<<20 | x<<10 | y in 1024ths, and bit
// 30 where the surface is level.
type Guide struct {
	levels int
	words  []uint32
}

// NewGuide returns the guide of no surface. Levels are as [SurfaceWords] takes them.
// Radius is in cells. Faces is the budget, 0 for none.
func NewGuide(levels int, radius float32, faces int) *Guide {
	g := &Guide{levels, make([]uint32, SurfaceWords(levels))}
	g.words[0], g.words[2], g.words[3] = 1, math.Float32bits(radius), uint32(faces)
	return g
}

// Words returns the words of the guide.
func (g *Guide) Words() []uint32 { return g.words }

// Mark marks a place of the surface, in cells from 0 to levels: its cell, and the blocks
// within half a block of it.
func (g *Guide) Mark(x, y, z float64) {
	g.set(0, 0, x, y, z)
	for k := 1; k < pyramids; k++ {
		g.around(k, k, x, y, z)
	}
}

// MarkRim marks a place of the surface's boundary.
func (g *Guide) MarkRim(x, y, z float64) { g.around(pyramids, 1, x, y, z) }

func (g *Guide) around(k, shift int, x, y, z float64) {
	half := float64(int(1)<<shift) / 2
	for corner := range 8 {
		d := func(bit int) float64 { return half * float64(2*(corner>>bit&1)-1) }
		g.set(k, shift, x+d(0), y+d(1), z+d(2))
	}
}

func (g *Guide) set(k, shift int, x, y, z float64) {
	side := g.levels >> shift
	at := func(x float64) int { return min(max(int(math.Floor(x)), 0), g.levels-1) >> shift }
	i := (at(z)*side+at(x))*side + at(y)
	g.words[pyramid(g.levels, k)+i/32] |= 1 << (i % 32)
}

// Watch adds a point whose coverage is watched, in cells from 0 to levels. Level says that
// the surface is level there. Points beyond [GuidePoints] are left out.
func (g *Guide) Watch(x, y, z float64, level bool) {
	if g.words[1] == GuidePoints {
		return
	}
	at := func(x float64) uint32 {
		return uint32(min(max(math.Floor(x*guideUnits/float64(g.levels)), 0), guideUnits-1))
	}
	w := at(z)<<20 | at(x)<<10 | at(y)
	points := g.words[len(g.words)-GuidePoints:]
	i, _ := slices.BinarySearchFunc(points[:g.words[1]], w, func(a, b uint32) int { return int(a&^flat) - int(b) })
	if level {
		w |= flat
	}
	copy(points[i+1:], points[i:g.words[1]])
	points[i] = w
	g.words[1]++
}
