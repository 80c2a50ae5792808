package main

import (
	"context"
	"fmt"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/codecs/video/isolated"
)

// videoFacts returns what a video's headers contain or, if counted, what decoding
// found. Missing values are unknown, not zero.
func videoFacts(i video.Info, counted bool) facts {
	var f facts
	f.add("kind", "video")
	f.add("container", i.Container)
	f.add("codec", i.Codec)
	f.add("pixel_format", known(i.Pixels))
	f.add("width", i.W)
	f.add("height", i.H)
	f.add("sample_aspect", fmt.Sprintf("%d:%d", i.Aspect.Num, i.Aspect.Den))
	f.add("rate_hz", i.Rate.Hz())
	f.add("frames", known(i.Frames))
	f.add("seconds", known(i.Duration.Seconds()))
	f.add("start_seconds", i.Start.Seconds())
	f.add("rotation", i.Rotation)
	f.add("mirrored", i.Mirrored)
	f.add("range", i.Range)
	f.add("matrix", i.Matrix)
	f.add("audio", i.HasAudio)
	f.add("truncated", i.Truncated)
	if !counted {
		f.add("damaged_frames", nil)
		return f
	}
	f.add("damaged_frames", i.DamagedFrames)
	f.add("clock_jumps", i.Jumps)
	return f
}

// known returns nil for the zero value.
func known[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// countVideo decodes the video at path. found are its facts so far.
func countVideo(ctx context.Context, path string, found facts, l video.Limits) (facts, error) {
	if found[0].value != "video" {
		return nil, fmt.Errorf("--count counts the frames of a video; %s is a %v", path, found[0].value)
	}
	info, err := isolated.Decoder{}.Count(ctx, path, l)
	if err != nil {
		return nil, err
	}
	f := videoFacts(info, true)
	f.add("bytes", info.Bytes)
	return f, nil
}
