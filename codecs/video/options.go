package video

import (
	"fmt"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
)

// Fit says how a frame fills a wanted size of another aspect ratio.
type Fit int

const (
	Letterbox Fit = iota // all of the frame, centred on black
	Crop                 // the centre of the frame, all of the size filled
	Stretch              // all of the frame, distorted
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

// maxRate bounds the output rate; no camera here is faster, and a rate is a promise of
// that many frames a second.
const maxRate = 1000

// Options say what to decode. The zero value gives every frame at its own size and time.
type Options struct {
	// Rate resamples to constant frames a second by repeating or dropping frames, the
	// nearest in time each (FFmpeg's fps filter). Zero keeps each frame and its time.
	Rate clip.Rate
	// W and H are the output size in pixels; both zero keep the source's.
	W, H int
	// Fit applies when W and H are given.
	Fit Fit
	// MaxFrames ends the video after so many frames, without an error; zero is no end.
	MaxFrames int
	// Start leaves out the frames that begin before this time after the first frame.
	Start time.Duration
	// Threads of the decoder; zero is one for each processor, at most 4. It changes no bit.
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

// validRate keeps both numbers in what FFmpeg's 32-bit rationals and an MP4 time scale
// can hold exactly.
func validRate(r clip.Rate) bool {
	const most = 1 << 24
	return r.Num > 0 && r.Den > 0 && r.Num <= most && r.Den <= most && r.Hz() <= maxRate
}
