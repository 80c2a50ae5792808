package motion

import (
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/codecs/clip"
)

// Shape is the shape of the clips to make.
type Shape struct {
	Frames int
	Size   int // rows and columns
}

// Path is what one clip shows: source frame First + round(t · Step) through a
// window that goes from From to To.
type Path struct {
	Shape
	First    int
	Step     float64 // source frames an output frame; negative runs backwards, 0 on a still
	From, To Window
	Ease     bool // starts and stops gently instead of moving evenly
	Mirror   bool
}

// Plan draws a path over a source at random; equal arguments give equal paths.
// The source must be at least as large as Size.
//
// Windows show between 1 and 5 source pixels an output pixel, and lie inside
// the source. Over a video, a third of the windows stand still, so that the
// video's own motion is all there is; the others, and all over a still (a
// source of one frame), pan by up to 3 output pixels a frame, zoom by up to 1.6
// and turn by up to half a radian over the clip.
func Plan(s Shape, src *clip.Clip, seed uint64) Path {
	rng := rand.New(rand.NewPCG(seed, 0x6d6f74696f6e)) // "motion"
	p := Path{Shape: s, Mirror: rng.IntN(2) == 0, Ease: rng.IntN(3) == 0}
	p.First, p.Step = planTime(rng, src.T, s.Frames)
	p.From = planWindow(rng, s.Size, src)
	p.To = p.From
	if src.T == 1 || rng.IntN(3) > 0 {
		p.To = moved(rng, p.From, s, src)
	}
	return p
}

// planTime draws a speed that the source is long enough for, and a start.
func planTime(rng *rand.Rand, have, want int) (first int, step float64) {
	if have == 1 {
		return 0, 0
	}
	speeds := []float64{0.5, 1, 1, 1, 2, 3}
	step = speeds[rng.IntN(len(speeds))]
	if most := float64(have-1) / float64(max(want-1, 1)); step > most {
		step = min(1, most)
	}
	span := int(math.Round(step * float64(want-1)))
	first = rng.IntN(have - span)
	if rng.IntN(4) == 0 {
		return first + span, -step
	}
	return first, step
}

// planWindow draws where a path starts.
func planWindow(rng *rand.Rand, size int, src *clip.Clip) Window {
	least, most := float64(size), float64(min(src.W, src.H, 5*size))
	w := Window{
		Side: least * math.Pow(most/least, rng.Float64()),
		X:    rng.Float64() * float64(src.W),
		Y:    rng.Float64() * float64(src.H),
	}
	if rng.IntN(2) == 0 {
		w.Angle = 0.3 * rng.NormFloat64()
	}
	if src.T == 1 {
		w.Angle += float64(rng.IntN(4)) * math.Pi / 2
	}
	return w.kept(src.W, src.H)
}

// moved draws where a path that starts at w ends.
func moved(rng *rand.Rand, w Window, s Shape, src *clip.Clip) Window {
	pixel := w.Side / float64(s.Size)
	far := 3 * float64(s.Frames-1) * pixel * math.Sqrt(rng.Float64())
	sin, cos := math.Sincos(2 * math.Pi * rng.Float64())
	to := w
	to.X += far * cos
	to.Y += far * sin
	if rng.IntN(2) == 0 {
		to.Side *= math.Pow(1.6, 2*rng.Float64()-1)
		to.Side = max(to.Side, float64(s.Size))
	}
	if rng.IntN(2) == 0 {
		to.Angle += rng.Float64() - 0.5
	}
	return to.kept(src.W, src.H)
}

// window returns the window of frame t. On the way between two windows inside
// the source a turning one could still stick out, so it is kept inside.
func (p Path) window(t int, src *clip.Clip) Window {
	u := 0.0
	if p.Frames > 1 {
		u = float64(t) / float64(p.Frames-1)
	}
	if p.Ease {
		u = u * u * (3 - 2*u)
	}
	return between(p.From, p.To, u).kept(src.W, src.H)
}

// frame returns the source frame of frame t.
func (p Path) frame(t int) int {
	return p.First + int(math.Round(p.Step*float64(t)))
}

// Render makes the clip of a path. Its rate is the source's.
func Render(src *clip.Clip, p Path) *clip.Clip {
	out := clip.New(p.Frames, p.Size, p.Size, src.Rate)
	for t := range p.Frames {
		Resample(out.Frame(t), p.Size, src.Frame(p.frame(t)), src.W, src.H, p.window(t, src), p.Mirror)
	}
	return out
}
