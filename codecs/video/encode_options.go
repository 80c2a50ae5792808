package video

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/codecs/clip"
)

// EncodeOptions control compression. The zero value is visually near lossless.
type EncodeOptions struct {
	// CRF is libx264's constant rate factor, 1 (best) to 51; zero means 18. Lossless
	// has no yuv420p profile that plays everywhere, and is not offered.
	CRF int
	// Preset is libx264's trade of time for size, ultrafast to veryslow; empty means medium.
	Preset string
	// Threads affects the bytes, so its default is 4 on every machine.
	Threads int
}

var presets = []string{"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"}

func (o EncodeOptions) withDefaults() EncodeOptions {
	o.CRF = orDefault(o.CRF, 18)
	o.Threads = orDefault(o.Threads, 4)
	if o.Preset == "" {
		o.Preset = "medium"
	}
	return o
}

// Validate returns an error wrapping [ErrOptions].
func (o EncodeOptions) Validate() error {
	o = o.withDefaults()
	if o.CRF < 1 || o.CRF > 51 || o.Threads < 1 || o.Threads > 128 || !slices.Contains(presets, o.Preset) {
		return fmt.Errorf("video.EncodeOptions: %w: CRF %d, preset %q, %d threads", ErrOptions, o.CRF, o.Preset, o.Threads)
	}
	return nil
}

// maxEncode is the largest side that decoders of H.264 level 5.2 and above accept.
const maxEncode = 16384

func validFrame(w, h int, rate clip.Rate) error {
	if w < 1 || h < 1 || !validRate(rate) {
		return fmt.Errorf("%w: %d x %d at %d/%d frames a second", ErrOptions, w, h, rate.Num, rate.Den)
	}
	if w > maxEncode || h > maxEncode {
		return fmt.Errorf("%w: %d x %d, at most %d", ErrLimit, w, h, maxEncode)
	}
	return nil
}
