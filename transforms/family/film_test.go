package family

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/codecs/video/isolated"
)

const (
	city   = "../../testdata/video/city_320x180_25fps_48f.mp4"
	faults = "../../codecs/video/testdata/"
)

func small(frames int, start time.Duration) video.Options {
	return video.Options{Rate: clip.Rate{Num: 25, Den: 1}, W: 64, H: 64, Fit: video.Crop, MaxFrames: frames, Start: start}
}

// frames reads a film to its end.
func frames(t *testing.T, f *Film) []byte {
	t.Helper()
	var all []byte
	for frame, err := range f.Frames(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, frame...)
	}
	if n := len(all) / (64 * 64 * 3); n != f.Len() || f.Err() != nil {
		t.Errorf("%d frames, Len says %d, error %v", n, f.Len(), f.Err())
	}
	return all
}

// TestFilmGivesTheClip compares a film with the same clip read whole, read twice.
func TestFilmGivesTheClip(t *testing.T) {
	for _, o := range []video.Options{small(0, 0), small(21, 0), small(0, 700*time.Millisecond)} {
		m, err := ReadVideo(context.Background(), isolated.Decoder{}, city, o)
		if err != nil {
			t.Fatal(err)
		}
		f := &Film{Path: city, Options: o}
		for range 2 {
			if !bytes.Equal(frames(t, f), m.Clip.Pix) {
				t.Errorf("%d frames from %v on differ from the clip", o.MaxFrames, o.Start)
			}
		}
	}
}

// TestFilmHoldsOneFrame checks that a frame's bytes are those of the next one: no more
// are held, whatever the length.
func TestFilmHoldsOneFrame(t *testing.T) {
	f := &Film{Path: city, Options: small(0, 0)}
	var first *uint8
	for frame, err := range f.Frames(context.Background()) {
		switch {
		case err != nil:
			t.Fatal(err)
		case first == nil:
			first = &frame[0]
		case first != &frame[0]:
			t.Fatal("a frame has memory of its own")
		}
	}
}

// TestFilmBeginsAnew breaks a loop off, as an attempt that fails does.
func TestFilmBeginsAnew(t *testing.T) {
	f := &Film{Path: city, Options: small(0, 0)}
	for range f.Frames(context.Background()) {
		if f.Len() == 5 {
			break
		}
	}
	if f.Err() != nil {
		t.Errorf("a loop broken off is no error of the file: %v", f.Err())
	}
	frames(t, f)
	if f.Len() != 48 {
		t.Errorf("%d frames after a loop broken off", f.Len())
	}
}

func TestFilmWatch(t *testing.T) {
	f := &Film{Path: city, Options: small(0, 0)}
	var seen []string
	f.Watch(func(frames, of int) { seen = append(seen, fmt.Sprintf("%d/%d", frames, of)) })
	frames(t, f)
	if len(seen) != 48 || seen[0] != "1/48" || seen[47] != "48/48" {
		t.Errorf("watched %v", seen)
	}
	for _, c := range []struct {
		frames int
		start  time.Duration
		want   int
	}{{0, 0, 48}, {10, 0, 10}, {0, time.Second, 23}, {0, time.Hour, 0}} {
		f := &Film{Options: small(c.frames, c.start)}
		if got := f.expected(video.Info{Duration: 1920 * time.Millisecond}); got != c.want {
			t.Errorf("%d frames from %v on: %d expected, want %d", c.frames, c.start, got, c.want)
		}
	}
}

// TestCondition checks clips and films of the same files.
func TestCondition(t *testing.T) {
	for path, want := range map[string]struct{ truncated, damaged bool }{
		city: {}, faults + "cutfast.mp4": {truncated: true}, faults + "corrupt.mp4": {damaged: true},
	} {
		m, err := ReadVideo(context.Background(), isolated.Decoder{}, path, small(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		f := &Film{Path: path, Options: small(0, 0)}
		frames(t, f)
		film := Media{Film: f}
		for _, c := range []Condition{m.Condition(), film.Condition()} {
			if c.Truncated != want.truncated || c.DamagedFrames > 0 != want.damaged {
				t.Errorf("%s: %+v, want %+v", path, c, want)
			}
		}
	}
}

func TestFilmErrors(t *testing.T) {
	for path, want := range map[string]error{
		"nothing.mp4": fs.ErrNotExist, faults: ErrNotFile, "film_test.go": video.ErrNotVideo,
	} {
		f := &Film{Path: path, Options: small(0, 0)}
		var got error
		for _, err := range f.Frames(context.Background()) {
			got = err
		}
		if !errors.Is(got, want) || !errors.Is(f.Err(), want) {
			t.Errorf("%s: %v and %v, want %v", path, got, f.Err(), want)
		}
	}
}
