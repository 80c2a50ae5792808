// Package measure compares continuations of a clip with the true one: error, structural
// similarity, error of moving pixels, sharpness and blockiness. It has two baselines
// that a model must beat: a frozen frame and constant motion.
//
// It is not for reading files (see codecs/video) nor for running models (see models).
//
// Letters: w columns and h rows of a frame, [h, w, 3] bytes.
package measure
