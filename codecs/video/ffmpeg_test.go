package video

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

// The reference is the ffmpeg command, which set-up installs: without it these tests
// fail, since there would be nothing to compare with.

func run(tb testing.TB, name string, args ...string) []byte {
	tb.Helper()
	cmd := exec.Command(name, args...)
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, msg.String())
	}
	return out.Bytes()
}

// generate has ffmpeg write a file in the test's folder and returns its path.
func generate(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	run(tb, "ffmpeg", append(append([]string{"-v", "error", "-y"}, args...), path)...)
	return path
}

// testsrc is ffmpeg's moving test picture as input arguments.
func testsrc(w, h, rate, frames int) []string {
	return []string{
		"-f", "lavfi", "-i", "testsrc2=s=" + strconv.Itoa(w) + "x" + strconv.Itoa(h) + ":r=" + strconv.Itoa(rate),
		"-frames:v", strconv.Itoa(frames),
	}
}

// tone is a second of sound as input arguments.
func tone() []string { return []string{"-f", "lavfi", "-i", "sine=d=1"} }

// reference decodes with the command to w x h RGB; filter may be empty. Every frame comes
// once, unless the filter says otherwise.
func reference(tb testing.TB, path, filter string, w, h int) *clip.Clip {
	tb.Helper()
	filter = chain(filter, "scale=flags="+swsFlags, "format=rgb24")
	pix := run(tb, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-vf", filter, "-vsync", "passthrough", "-f", "rawvideo", "-")
	c := &clip.Clip{T: len(pix) / (3 * w * h), H: h, W: w, Pix: pix}
	if err := c.Validate(); err != nil {
		tb.Fatalf("reference of %s: %v", path, err)
	}
	return c
}

func read(tb testing.TB, path string, o Options) (*clip.Clip, Info) {
	tb.Helper()
	c, info, err := ReadClip(context.Background(), path, o)
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		tb.Fatal(err)
	}
	return c, info
}

// wantPSNR fails unless the clips have one shape and are at least as close as db says.
func wantPSNR(tb testing.TB, a, b *clip.Clip, db float64) {
	tb.Helper()
	got, err := clip.PSNR(a, b)
	if err != nil {
		tb.Fatal(err)
	}
	if !(got >= db) {
		tb.Fatalf("PSNR %.2f dB, want at least %.2f", got, db)
	}
}

func wantError(tb testing.TB, err, kind error) {
	tb.Helper()
	if !errors.Is(err, kind) {
		tb.Fatalf("got error %v, want %v", err, kind)
	}
}

func fixtures(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("../../testdata/video/*.mp4")
	if err != nil || len(paths) < 4 {
		tb.Fatalf("fixtures: %v, %v", paths, err)
	}
	return paths
}

func writeFile(tb testing.TB, name string, b []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
