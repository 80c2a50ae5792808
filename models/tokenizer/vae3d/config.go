package vae3d

import (
	"fmt"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// ErrConfig reports a description of an autoencoder that no network here fits.
var ErrConfig = cnn.ErrConfig

// ErrSize reports a clip or a grid of latents of a size that the autoencoder cannot take,
// or of another size than said.
var ErrSize = errkind.New("clip_size", "bad clip size")

// The bounds of a clip: rows or columns, and pixels of a window.
const (
	MaxSide   = 1 << 13
	MaxPixels = 1 << 23
	MaxFrames = 1 << 14
)

// maxElems keeps the largest feature map to what kernels address by 31 bits.
const maxElems = 1 << 31

// The windows of a long clip, in frames and in latents. Neighbours share one.
const (
	windowFrames  = 17
	windowLatents = 5
)

// The types of blocks, by upstream's names.
const (
	down2, down3 = "DownEncoderBlock2D", "DownEncoderBlock3D"
	up3          = "UpDecoderBlock3D"
)

// Config describes an autoencoder. The fields are upstream's, and its config.json has no
// other that changes a number.
type Config struct {
	Down     []string `json:"down_block_types"` // the first two flat, the others not
	Up       []string `json:"up_block_types"`
	Channels []int    `json:"block_out_channels"` // of a level, the finest first
	Layers   int      `json:"layers_per_block"`   // residual blocks; the decoder has one more
	Z        int      `json:"latent_channels"`    // even
	Scale    float64  `json:"scaling_factor"`     // by which latents are multiplied for a generator
	Shift    float64  `json:"shift_factor"`       // which is subtracted before
}

// ParseConfig reads a description from JSON and validates it. Fields that it does not
// know are passed over. The error wraps [ErrConfig].
func ParseConfig(data []byte) (Config, error) {
	c := Config{Layers: 2}
	if err := cnn.ParseConfig(data, &c); err != nil {
		return Config{}, fmt.Errorf("vae3d.ParseConfig: %w", err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Validate returns an error that wraps [ErrConfig] if a field is out of bounds.
func (c Config) Validate() error {
	if err := cnn.CheckFields(
		cnn.In("the number of block_out_channels", len(c.Channels), 3, 6, 1),
		cnn.In("layers_per_block", c.Layers, 1, 16, 1),
		cnn.In("latent_channels", c.Z, 2, 1024, 2),
	); err != nil {
		return fmt.Errorf("vae3d.Config: %w", err)
	}
	for _, n := range c.Channels {
		if n < 32 || n > 4096 || n%32 != 0 {
			return fmt.Errorf("vae3d.Config: %w: block_out_channels %v, want multiples of 32 to 4096", ErrConfig, c.Channels)
		}
	}
	if !(c.Scale >= 1e-6 && c.Scale <= 1e6) || !(c.Shift >= -1e6 && c.Shift <= 1e6) {
		return fmt.Errorf("vae3d.Config: %w: scaling_factor %g, shift_factor %g", ErrConfig, c.Scale, c.Shift)
	}
	return c.checkBlocks()
}

// checkBlocks refuses other orders of flat blocks: only with these do both directions
// change the number of frames alike.
func (c Config) checkBlocks() error {
	if len(c.Down) != len(c.Channels) || len(c.Up) != len(c.Channels) {
		return fmt.Errorf("vae3d.Config: %w: %d and %d types of %d blocks", ErrConfig, len(c.Down), len(c.Up), len(c.Channels))
	}
	for i := range c.Channels {
		want := down3
		if i < 2 {
			want = down2
		}
		if c.Down[i] != want || c.Up[i] != up3 {
			return fmt.Errorf("vae3d.Config: %w: block %d is %q and %q, want %s and %s", ErrConfig, i, c.Down[i], c.Up[i], want, up3)
		}
	}
	return nil
}

// Reduction returns the frames and the side in pixels of what one latent stands for. The
// first frame has latents of its own.
func (c Config) Reduction() (frames, side int) {
	levels := len(c.Channels)
	return 1 << (levels - 2), 1 << (levels - 1)
}

// checkFrames checks the size of a clip. Windows must fill it: upstream drops what is
// behind the last.
func (c Config) checkFrames(t, h, w int) error {
	frames, side := c.Reduction()
	whole := (t-1)%frames == 0
	if t > windowFrames {
		whole = (t-1)%(windowFrames-1) == 0 && (windowFrames-1)%frames == 0
	}
	switch {
	case t < 1 || h < 1 || w < 1 || t > MaxFrames || h > MaxSide || w > MaxSide || h%side != 0 || w%side != 0:
		return fmt.Errorf("%w: %d frames of %d by %d, want multiples of %d to %d a side and %d frames", ErrSize, t, h, w, side, MaxSide, MaxFrames)
	case !whole:
		return fmt.Errorf("%w: %d frames, want one and a multiple of %d up to %d, or of %d", ErrSize, t, frames, windowFrames, windowFrames-1)
	}
	return c.checkWindow(min(t, windowFrames), h, w)
}

// checkLatents checks the size of a grid of latents.
func (c Config) checkLatents(t, rows, cols int) error {
	frames, side := c.Reduction()
	switch {
	case t < 1 || rows < 1 || cols < 1 || t > MaxFrames || rows > MaxSide/side || cols > MaxSide/side:
		return fmt.Errorf("%w: %d by %d by %d latents", ErrSize, t, rows, cols)
	case t > windowLatents && (t-1)%(windowLatents-1) != 0:
		return fmt.Errorf("%w: latents of %d times, want up to %d, or one and a multiple of %d", ErrSize, t, windowLatents, windowLatents-1)
	}
	return c.checkWindow(1+(min(t, windowLatents)-1)*frames, rows*side, cols*side)
}

// checkWindow bounds what is on the device at a time.
func (c Config) checkWindow(t, h, w int) error {
	if pixels := t * h * w; pixels > MaxPixels || pixels*max(c.Channels[0], c.Channels[1]) >= maxElems {
		return fmt.Errorf("%w: %d frames of %d by %d at a time, too many pixels for %d channels", ErrSize, t, h, w, c.Channels[1])
	}
	return nil
}

// floatsOf returns the numbers of an RGB clip.
func floatsOf(t, h, w int) int { return t * h * w * cnn.Colours }
