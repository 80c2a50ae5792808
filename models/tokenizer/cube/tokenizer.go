package cube

import (
	"fmt"
	"iter"
	"math"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/system"
)

// ErrPrefix reports a clip to continue that has less than one cube of frames.
var ErrPrefix = errkind.New("short_prefix", "the prefix is too short")

// Format says what clips have to be like.
func (c Config) Format() system.Format {
	return system.Format{H: c.Size, W: c.Size, Rate: clip.Rate{Num: c.Rate[0], Den: c.Rate[1]}, Frames: c.FramesPerCube()}
}

// Encode codes a clip of the model's size, as [Coder.EncodeFrames] codes its frames. The
// error wraps [ErrSample] for another size.
func (k *Coder) Encode(id string, m system.Media, e system.Extent) (shard.Sample, system.Measures, error) {
	c := m.Clip
	if c == nil || c.T < 1 || c.H != k.cfg.Size || c.W != k.cfg.Size {
		return shard.Sample{}, nil, fmt.Errorf("cube.Encode: %w: the clip is %s, want frames of %dx%d", ErrSample, shapeOf(c), k.cfg.Size, k.cfg.Size)
	}
	s, err := k.EncodeFrames(id, c.Rate, e, func(yield func([]uint8, error) bool) {
		for t := range c.T {
			if !yield(c.Frame(t), nil) {
				return
			}
		}
	})
	return s, system.Measures{"frames": float64(c.T)}, err
}

func shapeOf(c *clip.Clip) string {
	if c == nil {
		return "nil"
	}
	return fmt.Sprintf("%dx%dx%d", c.T, c.H, c.W)
}

// EncodeFrames codes frames of the model's size as they come, [h, w, 3] bytes each, which
// it does not keep: its memory grows with the tokens alone. The error is that of
// [Stream], or the first that frames gives.
func (k *Coder) EncodeFrames(id string, rate clip.Rate, e system.Extent, frames iter.Seq2[[]uint8, error]) (shard.Sample, error) {
	s := k.Stream(rate, e)
	for frame, err := range frames {
		if err == nil {
			err = s.Add(frame)
		}
		if err != nil {
			return shard.Sample{}, err
		}
	}
	return s.Sample(id)
}

// Decode turns a sample into frames, as many and at the rate that its Meta says, if it
// says so. The error wraps [ErrSample].
func (k *Coder) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	rate, frames := k.cfg.Format().Rate, 0
	if n, err := fmt.Sscanf(s.Meta["rate"], "%d/%d", &rate.Num, &rate.Den); n != 2 || err != nil || rate.Num < 1 || rate.Den < 1 {
		rate = k.cfg.Format().Rate
	}
	if n, err := fmt.Sscan(s.Meta["frames"], &frames); n != 1 || err != nil {
		frames = 0
	}
	c, err := k.first(s, rate, frames)
	return system.Media{Clip: c}, nil, err
}

// first gives the first frames of a sample; all that the tokens have if frames is none of
// them.
func (k *Coder) first(s shard.Sample, rate clip.Rate, frames int) (*clip.Clip, error) {
	c, err := k.frames(s, rate)
	if err == nil && frames > 0 && frames < c.T {
		return c.Slice(0, frames)
	}
	return c, err
}

// Begin starts from a clip, of which the last whole cubes are given. Finish gives the
// prefix as the tokenizer sees it, and the new frames. Errors: [ErrPrefix] for a clip of
// less than one cube, [ErrSample] for one of the wrong size, system.ErrRequest.
func (k *Coder) Begin(id string, m system.Media, e system.Extent) (*system.Beginning, error) {
	prefix, err := k.prefix(m.Clip, e.Frames)
	if err != nil {
		return nil, err
	}
	sample, _, err := k.Encode(id, system.Media{Clip: prefix}, e)
	if err != nil {
		return nil, err
	}
	_, given, err := k.cfg.Lay(sample)
	if err != nil {
		return nil, err
	}
	frames := prefix.T + e.Frames
	finish := func(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
		s, err := k.cfg.Sample(id, tokens)
		if err != nil {
			return system.Media{}, s, nil, err
		}
		s.Meta = map[string]string{
			"frames": fmt.Sprint(frames), "rate": fmt.Sprintf("%d/%d", prefix.Rate.Num, prefix.Rate.Den), "prefix": fmt.Sprint(prefix.T),
		}
		c, err := k.first(s, prefix.Rate, frames)
		if err != nil {
			return system.Media{}, s, nil, err
		}
		return system.Media{Clip: c}, s, prefixPSNR(prefix, c), nil
	}
	return &system.Beginning{
		Prompt: system.Prompt{Given: given, Frames: frames}, Given: prefix.T, Notes: k.notes(e.Prefix, m.Clip.T, prefix.T), Finish: finish,
	}, nil
}

// prefix returns the last whole cubes of a clip.
func (k *Coder) prefix(c *clip.Clip, frames int) (*clip.Clip, error) {
	n, length := k.cfg.FramesPerCube(), 0
	if c != nil {
		length = c.T
	}
	switch {
	case frames < 1:
		return nil, fmt.Errorf("cube.Begin: %w: %d frames after a prefix of %d", system.ErrRequest, frames, length)
	case length < n:
		return nil, fmt.Errorf("cube.Begin: %w: %d frames, and a prefix is whole cubes of %d", ErrPrefix, length, n)
	}
	return c.Slice(length-length/n*n, length)
}

// notes says why fewer frames than asked for are given, of those the clip has.
func (k *Coder) notes(asked, has, given int) []string {
	cube := k.cfg.FramesPerCube()
	switch {
	case asked == 0 || given == asked:
		return nil
	case has < asked:
		return []string{fmt.Sprintf("prefix of %d frames, not %d: the input gives %d, and a prefix is whole cubes of %d", given, asked, has, cube)}
	}
	return []string{fmt.Sprintf("prefix of %d frames, not %d: whole cubes of %d", given, asked, cube)}
}

// prefixPSNR measures how well the tokens keep the frames that were given.
func prefixPSNR(given, out *clip.Clip) system.Measures {
	shown, err := out.Slice(0, min(given.T, out.T))
	if err != nil {
		return nil
	}
	db, err := clip.PSNR(given, shown)
	if err != nil || math.IsInf(db, 0) { // equal clips, which JSON has no number for
		return nil
	}
	return system.Measures{"prefix_psnr_db": db}
}
