// Package errkind makes sentinel errors with a kind, their word in a run's reports
// (see docs/reference/failures.md). The word is part of a file format, so it is set
// where the error is declared and never changes:
//
//	var ErrNotVideo = errkind.New("not_a_video", "not a video")
//
//	errkind.Of(fmt.Errorf("video.Open: %w: %s", ErrNotVideo, path)) // "not_a_video"
//
// It is not for errors of other modules, which have no kind; transforms/report
// assigns theirs.
package errkind
