package video

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/asticode/go-astiav"

	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on. A missing or unreadable path gives [fs.ErrNotExist] or
// [fs.ErrPermission], and a cancelled context its own error.
var (
	// ErrNotVideo reports a folder, a device, an empty file, or bytes of an unknown
	// container.
	ErrNotVideo = errkind.New("not_a_video", "not a video")
	// ErrNoVideoStream reports a media file with sound only, perhaps with a cover
	// picture.
	ErrNoVideoStream = errkind.New("no_video_stream", "no video stream")
	// ErrEmpty reports a valid video file without frames.
	ErrEmpty = errkind.New("no_frames", "no frames")
	// ErrCorrupt reports a known container of which no frame can be read.
	ErrCorrupt = errkind.New("corrupt", "corrupt video")
	// ErrLimit reports pixels, frames or bytes over [Limits].
	ErrLimit = errkind.New("limit", "over a limit")
	// ErrMemory reports that FFmpeg got no memory. It wraps ErrLimit.
	ErrMemory = fmt.Errorf("%w: FFmpeg got no memory", ErrLimit)
	// ErrUnsupportedCodec reports a codec that is not on the package's list, or that
	// this build of FFmpeg cannot decode or encode.
	ErrUnsupportedCodec = errkind.New("unsupported_codec", "unsupported codec")
	// ErrOptions reports invalid options.
	ErrOptions = errors.New("wrong options")
)

// errNoMemory is FFmpeg's ENOMEM, for which go-astiav has no name.
const errNoMemory = astiav.Error(-12)

// wrap formats place, kind, file and cause, in this order. A nil cause is left out, and
// so is the file if kind is a system error, which names it.
func wrap(place string, kind error, path string, cause error) error {
	if system := new(fs.PathError); cause == nil && errors.As(kind, &system) {
		return fmt.Errorf("%s: %w", place, kind)
	}
	if cause == nil {
		return fmt.Errorf("%s: %w: %s", place, kind, path)
	}
	return fmt.Errorf("%s: %w: %s: %w", place, kind, path, cause)
}
