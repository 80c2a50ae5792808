package video

import (
	"context"
	"testing"
	"time"
)

// TestCount: what the container does not tell is unknown, and counted.
func TestCount(t *testing.T) {
	for _, f := range []struct {
		name string
		args []string
		told int
	}{
		{"a.mp4", nil, 30},
		{"a.webm", []string{"-c:v", "libvpx"}, 0},
		{"a.mkv", nil, 0},
		{"a.ts", nil, 0},
		{"fragments.mp4", []string{"-movflags", "frag_keyframe+empty_moov", "-g", "10"}, 0},
		{"first.mp4", []string{"-movflags", "frag_keyframe", "-g", "10"}, 0}, // its table has one fragment
		{"a.h264", nil, 0},
	} {
		path := generate(t, f.name, append(testsrc(96, 64, 25, 30), f.args...)...)
		told, err := Probe(context.Background(), path, Limits{})
		if err != nil || told.Frames != f.told || told.Pixels != "yuv420p" {
			t.Errorf("%s: probed %+v: %v", f.name, told, err)
		}
		got, err := Count(context.Background(), path, Limits{})
		if err != nil || got.Frames != 30 || (got.Duration-1200*time.Millisecond).Abs() > time.Millisecond || got.Damaged || got.Truncated {
			t.Errorf("%s: counted %+v: %v", f.name, got, err)
		}
	}
	got, err := Count(context.Background(), "testdata/tsjump.ts", Limits{})
	if err != nil || got.Frames != 100 || got.Duration != 4*time.Second || got.Jumps != 1 || got.Start != 1480*time.Millisecond {
		t.Errorf("a jump: %+v: %v", got, err)
	}
	got, err = Count(context.Background(), "testdata/corrupt.mp4", Limits{})
	if err != nil || got.Frames != 47 || !got.Damaged {
		t.Errorf("damage: %+v: %v", got, err)
	}
	if _, err = Count(context.Background(), writeFile(t, "a.mp4", []byte("\x00\x00\x00\x18ftypmp42 and then nothing of use")), Limits{}); err == nil {
		t.Error("counted nothing")
	}
	wantKind(t, "testdata", ErrNotVideo)
}
