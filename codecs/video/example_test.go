package video_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/video"
)

const fixture = "../../testdata/video/bbb_256x144_25fps_64f.mp4"

func ExampleReadClip() {
	c, info, err := video.ReadClip(context.Background(), fixture, video.Options{
		Rate: clip.Rate{Num: 10, Den: 1}, W: 64, H: 64, Fit: video.Crop,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.Codec, info.W, info.H, info.Rate, info.Duration)
	fmt.Println(c.T, c.W, c.H, c.Rate)
	// Output:
	// h264 256 144 {25 1} 2.56s
	// 26 64 64 {10 1}
}

func ExampleOpen() {
	r, err := video.Open(context.Background(), fixture, video.Options{MaxFrames: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	for {
		frame, pts, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(frame), pts)
	}
	// Output:
	// 110592 0s
	// 110592 40ms
	// 110592 80ms
}

func ExampleEncode() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "black.mp4")
	c := clip.New(12, 64, 64, clip.Rate{Num: 24, Den: 1})
	if err := video.Encode(context.Background(), path, c, video.EncodeOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	info, err := video.Probe(context.Background(), path, video.Limits{})
	fmt.Println(info.Codec, info.Frames, info.Duration, err)
	// Output: h264 12 500ms <nil>
}

func ExampleProbe() {
	_, err := video.Probe(context.Background(), "doc.go", video.Limits{})
	fmt.Println(errors.Is(err, video.ErrNotVideo))
	// Output: true
}
