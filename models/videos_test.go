package models_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cube"
)

// inOneBuffer gives a clip's frames as a decoder does: in memory that the next one takes.
func inOneBuffer(c *clip.Clip) iter.Seq2[[]uint8, error] {
	return func(yield func([]uint8, error) bool) {
		buffer := make([]uint8, len(c.Frame(0)))
		for t := range c.T {
			copy(buffer, c.Frame(t))
			if !yield(buffer, nil) {
				return
			}
		}
	}
}

func encode(t *testing.T, m *models.Model, id string, c *clip.Clip) shard.Sample {
	t.Helper()
	s, _, err := m.Encode(id, system.Media{Clip: c}, system.Extent{})
	return must(s, err)(t)
}

// extended is a clip that stands still at its end, up to so many frames.
func extended(c *clip.Clip, frames int) *clip.Clip {
	out := clip.New(frames, c.H, c.W, c.Rate)
	for i := range frames {
		copy(out.Frame(i), c.Frame(min(i, c.T-1)))
	}
	return out
}

// TestStreamedIsWhole compares a clip whose frames come one by one with the same clip in
// one piece, and with a longer one, for lengths that are whole cubes and for those that are not.
func TestStreamedIsWhole(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		v := must(models.Open(dev, system.Video, "", models.Options{Slots: 1}))(t)
		defer v.Close()
		all := readClip(t, "bbb_256x144_25fps_64f.mp4", 0)
		for _, n := range []int{1, 7, 8, 9, 16, 21, 24, 33, 48} {
			c := must(all.Slice(0, n))(t)
			whole := encode(t, v, "clip", c)
			streamed := must(v.EncodeFrames("clip", c.Rate, system.Extent{}, inOneBuffer(c)))(t)
			if !slices.Equal(streamed.Tokens, whole.Tokens) || !slices.Equal(streamed.Grid, whole.Grid) || streamed.Meta["frames"] != whole.Meta["frames"] {
				t.Errorf("%d frames: streamed %v %v, whole %v %v", n, streamed.Grid, streamed.Meta, whole.Grid, whole.Meta)
			}
			if want := encode(t, v, "clip", extended(c, 64)).Tokens[:len(whole.Tokens)]; !slices.Equal(streamed.Tokens, want) {
				t.Errorf("%d frames: the tokens depend on frames behind them", n)
			}
		}
	})
}

// TestStreamErrors checks what ends a stream early.
func TestStreamErrors(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	v := must(models.Open(dev, system.Video, "", models.Options{Slots: 1}))(t)
	defer v.Close()
	rate, broken := v.System().Format.Rate, errors.New("broken file")
	for name, c := range map[string]struct {
		frames iter.Seq2[[]uint8, error]
		want   error
	}{
		"no frames":  {func(func([]uint8, error) bool) {}, cube.ErrSample},
		"small":      {func(yield func([]uint8, error) bool) { yield(make([]uint8, 12), nil) }, cube.ErrSample},
		"the file's": {func(yield func([]uint8, error) bool) { yield(nil, broken) }, broken},
	} {
		if _, err := v.EncodeFrames("a", rate, system.Extent{}, c.frames); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	long := 0
	frame := make([]uint8, 64*64*3)
	if testing.Short() {
		return
	}
	_, err := v.EncodeFrames("a", rate, system.Extent{}, func(yield func([]uint8, error) bool) {
		for long = 1; long < 1000 && yield(frame, nil); long++ {
			if long == 40 {
				v.Close()
			}
		}
	})
	if !errors.Is(err, engine.ErrClosed) || long > 52 {
		t.Errorf("closed after 40 frames: %v at %d", err, long)
	}
}

// TestPrefixes checks which prefixes are refused, in how many words, and that a request
// without frames names none of its pixels.
func TestPrefixes(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	v := must(models.Open(dev, system.Video, "", models.Options{Slots: 1}))(t)
	defer v.Close()
	c := readClip(t, "bbb_256x144_25fps_64f.mp4", 16)
	for _, x := range []struct {
		prefix *clip.Clip
		frames int
		want   error
	}{
		{nil, 8, cube.ErrPrefix},
		{must(c.Slice(0, 1))(t), 8, cube.ErrPrefix},
		{must(c.Slice(0, 3))(t), 8, cube.ErrPrefix},
		{c, 0, engine.ErrRequest},
	} {
		_, err := v.Generate(context.Background(), models.Request{ID: "a", Source: system.Media{Clip: x.prefix}, Extent: system.Extent{Frames: x.frames}})
		if !errors.Is(err, x.want) || len(err.Error()) > 200 || x.want == cube.ErrPrefix && !strings.Contains(err.Error(), "whole cubes of 4") {
			t.Errorf("%d frames: %.300v, want %v", x.frames, err, x.want)
		}
	}
}
