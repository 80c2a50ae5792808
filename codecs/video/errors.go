package video

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/asticode/go-astiav"

	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on. A missing or unreadable path keeps [fs.ErrNotExist] or
// [fs.ErrPermission], and a cancelled context keeps the context's error.
var (
	// ErrNotVideo: a folder, a device, an empty file, or bytes of no container read here.
	ErrNotVideo = errkind.New("not_a_video", "not a video")
	// ErrNoVideoStream: a media file with sound only, with or without a cover picture.
	ErrNoVideoStream = errkind.New("no_video_stream", "no video stream")
	// ErrEmpty: a sound video file without a frame to give.
	ErrEmpty = errkind.New("no_frames", "no frames")
	// ErrCorrupt: a known container of which no frame can be read.
	ErrCorrupt = errkind.New("corrupt", "corrupt video")
	// ErrLimit: width, height, frames or bytes over [Limits].
	ErrLimit = errkind.New("limit", "over a limit")
	// ErrUnsupportedCodec: a video stream in a codec that is not on the package's list,
	// or that this build of FFmpeg cannot decode or encode.
	ErrUnsupportedCodec = errkind.New("unsupported_codec", "unsupported codec")
	// ErrOptions: options that contradict themselves.
	ErrOptions = errors.New("wrong options")
)

// errNoMemory is FFmpeg's ENOMEM, which go-astiav does not name.
const errNoMemory = astiav.Error(-12)

// wrap names the place, the kind, the file and the cause, in this order. A cause of nil
// is left out, and so is the file if the kind is the system's error, which names it.
func wrap(place string, kind error, path string, cause error) error {
	if system := new(fs.PathError); cause == nil && errors.As(kind, &system) {
		return fmt.Errorf("%s: %w", place, kind)
	}
	if cause == nil {
		return fmt.Errorf("%s: %w: %s", place, kind, path)
	}
	return fmt.Errorf("%s: %w: %s: %w", place, kind, path, cause)
}
