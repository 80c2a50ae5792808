package motion

import "math"

// Window is a square of the source that fills one output frame.
type Window struct {
	X, Y  float64 // centre, in source pixels
	Side  float64 // in source pixels
	Angle float64 // radians; the window turns clockwise as seen on the screen
}

// reach is how far the window extends from its centre along either axis.
func (w Window) reach() float64 {
	return w.Side / 2 * (math.Abs(math.Cos(w.Angle)) + math.Abs(math.Sin(w.Angle)))
}

// between returns the window a share u of the way from a to b. The side changes
// by equal factors, so that a zoom looks even.
func between(a, b Window, u float64) Window {
	mix := func(x, y float64) float64 { return x + (y-x)*u }
	return Window{
		X: mix(a.X, b.X), Y: mix(a.Y, b.Y),
		Side:  a.Side * math.Pow(b.Side/a.Side, u),
		Angle: mix(a.Angle, b.Angle),
	}
}

// kept moves and shrinks w as little as is needed to lie inside the source.
func (w Window) kept(width, height int) Window {
	if r, most := w.reach(), float64(min(width, height))/2; r > most {
		w.Side *= most / r * (1 - 1e-9)
	}
	r := w.reach()
	w.X = min(max(w.X, r), float64(width)-r)
	w.Y = min(max(w.Y, r), float64(height)-r)
	return w
}
