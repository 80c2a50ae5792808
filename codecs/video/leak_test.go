package video

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

// residentBytes is what the process holds in memory, C's part included.
func residentBytes(t *testing.T) int64 {
	t.Helper()
	debug.FreeOSMemory()
	fields := strings.Fields(string(readFile(t, "/proc/self/statm")))
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// threadsNow counts the system's threads, where a forgotten decoder would show.
func threadsNow(t *testing.T) int {
	t.Helper()
	return len(folder(t, "/proc/self/task"))
}

// mostGrown is half of what one forgotten frame of 256 x 144 (55 kB) in each of 120 rounds
// would add. After warming up, 1200 decodes grew by 1.2 MB in all and then no more.
const mostGrown = 3 << 20

// TestNothingLeaks repeats each way through the package until a forgotten frame, context
// or thread would show. Warming up comes first, since allocators and FFmpeg's tables
// grow once.
func TestNothingLeaks(t *testing.T) {
	ctx := context.Background()
	good := fixtures(t)[0]
	b := readFile(t, generate(t, "fast.mp4", append(testsrc(256, 144, 25, 20), "-movflags", "+faststart")...))
	cut := writeFile(t, "cut.mp4", b[:len(b)*2/3])
	headless := writeFile(t, "headless.mp4", b[:40])
	out := filepath.Join(t.TempDir(), "out.mp4")
	small := waves(5, 33, 32, clip.Rate{Num: 25, Den: 1})
	for _, c := range []struct {
		name string
		n    int
		f    func() error
		fail bool
	}{
		{"decode", 200, func() error {
			_, _, err := ReadClip(ctx, good, Options{W: 64, H: 64, Fit: Crop, MaxFrames: 12})
			return err
		}, false},
		{"resample", 120, func() error {
			_, _, err := ReadClip(ctx, cut, Options{Rate: clip.Rate{Num: 10, Den: 1}})
			return err
		}, false},
		{"abandon", 120, func() error {
			r, err := Open(ctx, good, Options{})
			if err != nil {
				return err
			}
			return r.Close()
		}, false},
		{"cut", 120, func() error { _, _, err := ReadClip(ctx, cut, Options{}); return err }, false},
		{"corrupt", 3000, func() error { _, err := Probe(ctx, headless, Limits{}); return err }, true},
		{"probe", 120, func() error { _, err := Probe(ctx, good, Limits{}); return err }, false},
		{"encode", 120, func() error { return Encode(ctx, out, small, EncodeOptions{}) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			loop := func(n int) {
				for range n {
					if err := c.f(); (err != nil) != c.fail {
						t.Fatal(err)
					}
				}
			}
			loop(c.n / 4)
			memory, goroutines, tasks := residentBytes(t), runtime.NumGoroutine(), threadsNow(t)
			loop(c.n)
			grown := residentBytes(t) - memory
			for round := 0; round < 2 && grown > mostGrown; round++ { // a leak goes on, warming up ends
				memory = residentBytes(t)
				loop(c.n)
				grown = residentBytes(t) - memory
			}
			if grown > mostGrown {
				t.Errorf("%d times grew memory by %d kB", c.n, grown/1024)
			}
			if n := runtime.NumGoroutine(); n > goroutines {
				t.Errorf("%d goroutines, %d before", n, goroutines)
			}
			if n := threadsNow(t); n > tasks+4 {
				t.Errorf("%d threads, %d before", n, tasks)
			}
		})
	}
}

// TestMemoryIsBoundedByAWindow reads a clip whose pixels are 330 MB.
func TestMemoryIsBoundedByAWindow(t *testing.T) {
	path := generate(t, "long.mp4", append(testsrc(320, 240, 25, 1500), "-preset", "ultrafast")...)
	r, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var before, most int64
	n := 0
	for ; ; n++ {
		if _, _, err := r.Next(); err != nil {
			break
		}
		if n == 50 {
			before = residentBytes(t)
		}
		if n%200 == 199 {
			most = max(most, residentBytes(t)-before)
		}
	}
	if n != 1500 || most > 32<<20 {
		t.Fatalf("%d frames, grew by %d MB", n, most>>20)
	}
}
