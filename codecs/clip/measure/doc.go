// Package measure compares continuations of a clip with what really followed: error,
// structural similarity, error where something moves, sharpness and blockiness, and the
// two predictions that any model must beat, a frozen frame and motion that goes on.
//
// It is not for reading files (see codecs/video) nor for running models (see models).
//
// Letters: w columns and h rows of a frame, [h, w, 3] bytes.
package measure
