package star

import (
	"fmt"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// ErrConfig reports a description of an autoencoder that no network here fits.
var ErrConfig = cnn.ErrConfig

// ErrSize reports a clip or a grid of features of a size that the autoencoder cannot take,
// or of another size than said.
var ErrSize = errkind.New("clip_size", "bad clip size")

// The bounds of a clip: rows or columns, frames, and pixels of a frame.
const (
	MaxSide   = 1 << 12
	MaxFrames = 1 << 14
	MaxPixels = 1 << 21
)

// maxElems keeps the largest feature map to what kernels address by 31 bits.
const maxElems = 1 << 31

// patch is the side of the latents that make a feature.
const patch = 2

// quad is the number of a feature's latents.
const quad = patch * patch

// Config describes an autoencoder. The fields are upstream's arguments.
type Config struct {
	Z        int    `json:"latent_channels"`    // z, even
	Channels []int  `json:"block_out_channels"` // of the input, then of what each level gives
	Layers   int    `json:"layers_per_block"`   // residual blocks; the decoder has one more
	Time     []int  `json:"temporal_compression_list"`
	Space    []int  `json:"spatial_compression_list"` // of the finest levels: 2 each
	Norm     string `json:"norm_type"`
	Pad      string `json:"pad_mode"`
}

// Default is the published autoencoder.
func Default() Config {
	return Config{Z: 16, Channels: []int{96, 192, 384, 384, 384}, Layers: 2, Time: []int{2, 2}, Space: []int{2, 2, 2}, Norm: "rms", Pad: "constant"}
}

// ParseConfig reads a description from JSON and validates it. Fields that are not there
// are those of [Default], and those that it does not know are passed over. The error
// wraps [ErrConfig].
func ParseConfig(data []byte) (Config, error) {
	c := Default()
	if err := cnn.ParseConfig(data, &c); err != nil {
		return Config{}, fmt.Errorf("star.ParseConfig: %w", err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Validate returns an error that wraps [ErrConfig] if a field is out of bounds.
func (c Config) Validate() error {
	if err := cnn.CheckFields(
		cnn.In("latent_channels", c.Z, 2, 256, 2),
		cnn.In("the number of block_out_channels", len(c.Channels), 2, 7, 1),
		cnn.In("layers_per_block", c.Layers, 1, 16, 1),
		cnn.In("the number of spatial_compression_list", len(c.Space), 0, len(c.Channels)-1, 1),
		cnn.In("the number of temporal_compression_list", len(c.Time), 0, min(len(c.Space), 4), 1),
	); err != nil {
		return fmt.Errorf("star.Config: %w", err)
	}
	for _, n := range append(append([]int{}, c.Time...), c.Space...) {
		if n != 2 {
			return fmt.Errorf("star.Config: %w: compression by %v in time and %v in space, want 2 each", ErrConfig, c.Time, c.Space)
		}
	}
	if c.Norm != "rms" || c.Pad != "constant" {
		return fmt.Errorf("star.Config: %w: norm_type %q and pad_mode %q, want rms and constant", ErrConfig, c.Norm, c.Pad)
	}
	return c.checkChannels()
}

// checkChannels holds channels to what the shortcuts of a change of size can make: the
// coarser side is one, two or four times as wide.
func (c Config) checkChannels() error {
	for i, n := range c.Channels {
		if n < 4 || n > 4096 || n%4 != 0 {
			return fmt.Errorf("star.Config: %w: block_out_channels %v, want multiples of 4 to 4096", ErrConfig, c.Channels)
		}
		if i == 0 {
			continue
		}
		fine := c.Channels[i-1]
		times := n / fine
		fits := n%fine == 0 && (times == 1 || times == 2 || times == 4)
		if i > len(c.Space) {
			fits = times == 1 && n == fine
		}
		if !fits || i <= len(c.Space) && n%8 != 0 {
			return fmt.Errorf("star.Config: %w: %d channels behind %d", ErrConfig, n, fine)
		}
	}
	return nil
}

// Reduction returns the frames and the side in pixels of what one feature stands for. The
// first frame has features of its own.
func (c Config) Reduction() (frames, side int) {
	return 1 << len(c.Time), patch << len(c.Space)
}

// Width is the number of a feature's numbers.
func (c Config) Width() int { return quad * c.Z }

// The features of the chunks behind the first, which has one more or is a clip of one.
const chunkFeatures = 2

// checkClip checks the size of a clip: one frame, or chunks.
func (c Config) checkClip(t, h, w int) error {
	frames, side := c.Reduction()
	if t < 1 || h < 1 || w < 1 || t > MaxFrames || h > MaxSide || w > MaxSide || h*w > MaxPixels || h%side != 0 || w%side != 0 {
		return fmt.Errorf("%w: %d frames of %d by %d, want multiples of %d to %d a side and %d pixels, and %d frames", ErrSize, t, h, w, side, MaxSide, MaxPixels, MaxFrames)
	}
	if chunk := chunkFeatures * frames; (t-1)%chunk != 0 {
		return fmt.Errorf("%w: %d frames, want one and a multiple of %d", ErrSize, t, chunk)
	} else if seen := min(t, chunk+1) + 2; seen*h*w*max(c.Channels[0], c.Channels[1]) >= maxElems {
		return fmt.Errorf("%w: %d frames of %d by %d at a time, too many pixels for %d channels", ErrSize, seen, h, w, c.Channels[1])
	}
	return nil
}

// checkFeatures checks the size of a grid of features.
func (c Config) checkFeatures(t, rows, cols int) error {
	frames, side := c.Reduction()
	if t < 1 || rows < 1 || cols < 1 || t > MaxFrames || rows > MaxSide || cols > MaxSide {
		return fmt.Errorf("%w: %d by %d by %d features", ErrSize, t, rows, cols)
	}
	return c.checkClip(1+(t-1)*frames, rows*side, cols*side)
}
