// Package motion makes short clips of known motion by moving a window over the
// frames of a video or over a still picture: pans, zooms, turns, mirrorings and
// changes of speed. Every clip follows from its source, its shape and a seed.
//
// It is not for files (see codecs/video) and knows nothing of what is shown.
//
//	p := motion.Plan(motion.Shape{Frames: 16, Size: 64}, source, seed)
//	c := motion.Render(source, p)
//
// A window is measured in source pixels; x runs right, y runs down, and pixel
// (i, j) covers [j, j+1] x [i, i+1].
package motion
