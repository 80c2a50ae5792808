package video

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDiskIsTheSystemsError writes to the device that is always full.
func TestFullDiskIsTheSystemsError(t *testing.T) {
	c := waves(30, 256, 256, pal)
	path := filepath.Join(t.TempDir(), "out.mp4")
	v, err := Create(context.Background(), path, c.W, c.H, c.Rate, EncodeOptions{Preset: "ultrafast"})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.mux.free(); err != nil {
		t.Fatal(err)
	}
	full, err := newMuxer("/dev/full", path, v.enc.cc)
	if err == nil { // the header is still in a buffer
		v.mux = full
		for f := 0; f < c.T && err == nil; f++ {
			err = v.WriteFrame(c.Frame(f))
		}
		if closed := v.Close(); err == nil {
			err = closed
		}
	} else {
		v.mux = nil
		err = errors.Join(wrap("video.Create", err, path, nil), v.Abort())
	}
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path+": no space left on device") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	if left := folder(t, filepath.Dir(path)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
