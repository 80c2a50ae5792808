package video

import (
	"fmt"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
)

// Fit selects how a frame fills a size of another aspect ratio.
type Fit int

const (
	Letterbox Fit = iota // whole frame, centred on black
	Crop                 // centre of the frame, filling the size
	Stretch              // whole frame, distorted
)

func (f Fit) String() string {
	switch f {
	case Letterbox:
		return "letterbox"
	case Crop:
		return "crop"
	case Stretch:
		return "stretch"
	}
	return fmt.Sprintf("Fit(%d)", int(f))
}

// maxRate bounds the output rate, since the rate determines the number of frames.
const maxRate = 1000

// Options control decoding. The zero value returns every frame at its own size and time.
type Options struct {
	// Rate resamples to a constant rate by repeating or dropping frames, the nearest
	// in time each (FFmpeg's fps filter). Zero keeps each frame and its time.
	Rate clip.Rate
	// W and H are the output size in pixels; both zero keep the source's.
	W, H int
	// Fit applies when W and H are given.
	Fit Fit
	// MaxFrames ends the video after that many frames, without an error; zero means no
	// end.
	MaxFrames int
	// Start skips the frames that begin before this time after the first frame.
	Start time.Duration
	// Threads is the number of decoder threads; zero means one per processor, at most 4. It
	// changes no bit.
	Threads int
	Limits  Limits
}

// Validate returns an error wrapping [ErrOptions].
func (o Options) Validate() error {
	if (o.Rate.Num != 0 || o.Rate.Den != 0) && !validRate(o.Rate) {
		return fmt.Errorf("video.Options: %w: rate %d/%d, want more than 0 and at most %d", ErrOptions, o.Rate.Num, o.Rate.Den, maxRate)
	}
	if o.W < 0 || o.H < 0 || (o.W == 0) != (o.H == 0) {
		return fmt.Errorf("video.Options: %w: size %d x %d", ErrOptions, o.W, o.H)
	}
	if o.Fit < Letterbox || o.Fit > Stretch {
		return fmt.Errorf("video.Options: %w: %v", ErrOptions, o.Fit)
	}
	if o.MaxFrames < 0 || o.Start < 0 || o.Threads < 0 || o.Limits.negative() {
		return fmt.Errorf("video.Options: %w: negative frames, start, threads or limit", ErrOptions)
	}
	return nil
}

// resampled reports whether frames go through the fps filter.
func (o Options) resampled() bool { return o.Rate.Num != 0 }

// validRate reports whether FFmpeg's 32-bit rationals and an MP4 time scale represent
// r exactly.
func validRate(r clip.Rate) bool {
	const most = 1 << 24
	return r.Num > 0 && r.Den > 0 && r.Num <= most && r.Den <= most && r.Hz() <= maxRate
}
