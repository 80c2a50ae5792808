// Package worlds draws clips of small worlds with laws of their own: shapes that bounce,
// roll, orbit and cover each other, flowing textures, moving lights, floors that pass
// below. A clip follows from its world, the pictures it may use as textures, and a seed.
//
// It is not for moving windows over real videos (see tools/corpus/motion).
//
//	w := worlds.All()[0]
//	c := worlds.Draw(w, worlds.Shape{Frames: 32, Size: 64}, pictures, seed)
//
// The picture plane is [-1, 1] by [-1, 1] before the camera moves; x runs right, y runs
// down. Time is in frames. Colours are in 0..1.
package worlds
