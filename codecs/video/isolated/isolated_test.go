package isolated

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/internal/errkind"
)

const fixture = "../../../testdata/video/city_320x180_25fps_48f.mp4"

// lone ends the children that wait, now and after the test, so that no child has the role
// of another test.
func lone(t testing.TB) {
	t.Helper()
	endAll()
	t.Cleanup(endAll)
}

func endAll() {
	pool.Lock()
	defer pool.Unlock()
	for _, p := range pool.idle {
		p.end()
	}
	pool.idle = nil
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// copyOf is the fixture by another name, for children that die by names.
func copyOf(t testing.TB, name string) string { return writeFile(t, name+".mp4", readFile(t, fixture)) }

// record is all that decoding shows of a file.
func record(ctx context.Context, d Decoder, path string, o video.Options, most int) (lines []string) {
	note := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	r, err := d.Open(ctx, path, o)
	if err != nil {
		note("%v, %q, %v %v", err, errkind.Of(err), errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission))
		return lines
	}
	w, h := r.Size()
	note("%d x %d", w, h)
	for n := 0; n != most; n++ {
		pix, at, err := r.Next()
		if err != nil {
			note("%v, %q, %v", err, errkind.Of(err), err == io.EOF)
			break
		}
		sum := 0
		for i, p := range pix {
			sum = sum*31 + int(p) + i
		}
		note("%v %x %+v", at, sum, r.Info())
	}
	info := r.Info()
	note("closed: %v; %+v; %v", r.Close(), info, r.Info() == info)
	return lines
}

// inputs are files of all fates.
func inputs(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("../../../testdata/video/*.mp4")
	if err != nil || len(paths) < 4 {
		t.Fatal(paths, err)
	}
	b := readFile(t, fixture)
	holed := bytes.Clone(b)
	for i := len(b) / 2; i < len(b)*3/4; i += 7 {
		holed[i] ^= 0x5a
	}
	odd := "caf\xe9.mp4" // not UTF-8
	return append(paths,
		writeFile(t, "cut.mp4", b[:len(b)*2/3]), writeFile(t, "holed.mp4", holed), writeFile(t, odd, b), writeFile(t, "head.mp4", b[:40]),
		writeFile(t, "text.mp4", []byte("no video")), writeFile(t, "none.mp4", nil), t.TempDir(), filepath.Join(t.TempDir(), "missing\xff.mp4"))
}

// TestSameAsInProcess holds frames, times, conditions at each frame, and errors to those of
// package video.
func TestSameAsInProcess(t *testing.T) {
	lone(t)
	damaged := 0
	for _, path := range inputs(t) {
		for _, c := range []struct {
			o    video.Options
			most int
		}{
			{video.Options{}, -1},
			{video.Options{W: 64, H: 64, Fit: video.Crop, Rate: clip.Rate{Num: 10, Den: 1}}, -1},
			{video.Options{W: 40, H: 64, MaxFrames: 7, Start: 300 * time.Millisecond}, -1},
			{video.Options{Start: time.Hour}, -1},
			{video.Options{}, 3}, // and closed
			{video.Options{Limits: video.Limits{MaxFrames: 5}}, -1},
			{video.Options{Limits: video.Limits{MaxPixels: 99}}, -1},
			{video.Options{W: 3}, -1},
		} {
			want := record(t.Context(), Decoder{InProcess: true}, path, c.o, c.most)
			got := record(t.Context(), Decoder{}, path, c.o, c.most)
			if !slices.Equal(got, want) {
				t.Errorf("%s %+v:\n%s\nwant\n%s", path, c.o, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if strings.Contains(strings.Join(want, ""), "Damaged:true") {
				damaged++
			}
		}
		for name, ask := range map[string]func(Decoder) (video.Info, error){
			"probe": func(d Decoder) (video.Info, error) { return d.Probe(t.Context(), path, video.Limits{}) },
			"count": func(d Decoder) (video.Info, error) { return d.Count(t.Context(), path, video.Limits{}) },
		} {
			want, werr := ask(Decoder{InProcess: true})
			got, err := ask(Decoder{})
			if got != want || fmt.Sprint(err) != fmt.Sprint(werr) || errkind.Of(err) != errkind.Of(werr) {
				t.Errorf("%s %s: %+v, %v; want %+v, %v", name, path, got, err, want, werr)
			}
		}
	}
	if damaged == 0 {
		t.Error("no input was damaged")
	}
}

// TestRelativePath: a child looks where this process is now, not where it was.
func TestRelativePath(t *testing.T) {
	lone(t)
	for _, path := range []string{copyOf(t, "a"), copyOf(t, "a")} {
		t.Chdir(filepath.Dir(path))
		if _, err := (Decoder{}).Probe(t.Context(), "a.mp4", video.Limits{}); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove("a.mp4"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCrashCostsOneFile: whatever ends the child, the file has an error of its own, and the
// next file is read.
func TestCrashCostsOneFile(t *testing.T) {
	lone(t)
	t.Setenv(role, "poison")
	for name, says := range map[string]string{
		"fault": "SIGSEGV: segmentation violation", "segv": "segmentation violation", "abort": "SIGABRT", "kill": "signal: killed, as where memory lacks",
		"exit": "ended", "late": "segmentation violation",
	} {
		for _, fresh := range []bool{true, false} {
			if fresh {
				lone(t)
			}
			c, _, err := (Decoder{}).ReadClip(t.Context(), copyOf(t, name), video.Options{})
			if !errors.Is(err, ErrCrashed) || errkind.Of(err) != "crashed" || !strings.Contains(err.Error(), says) || c != nil {
				t.Errorf("%s: %v, want ErrCrashed and %q", name, err, says)
			}
			if c, _, err := (Decoder{}).ReadClip(t.Context(), fixture, video.Options{}); err != nil || c.T != 48 {
				t.Errorf("after %s: %v", name, err)
			}
		}
	}
	t.Setenv(role, "")
}

// TestBlame: a child that dies of what it read before costs nobody anything. The frames are
// those of an undisturbed child.
func TestBlame(t *testing.T) {
	lone(t)
	path := copyOf(t, "weak")
	want := record(t.Context(), Decoder{InProcess: true}, path, video.Options{}, -1)
	t.Setenv(role, "poison")
	for i := range 3 {
		if got := record(t.Context(), Decoder{}, path, video.Options{}, -1); !slices.Equal(got, want) {
			t.Fatalf("round %d:\n%s\nwant\n%s", i, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	// One that waits, and is ended by somebody, is replaced.
	p, err := take(DefaultMemory, false)
	if err != nil {
		t.Fatal(err)
	}
	put(p)
	p.kill()
	<-p.over
	if got := record(t.Context(), Decoder{}, path, video.Options{}, -1); !slices.Equal(got, want) {
		t.Fatal("after the end of one that waited")
	}
}

// TestHang: the context ends a child that hangs, and its file.
func TestHang(t *testing.T) {
	lone(t)
	t.Setenv(role, "poison")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begun := time.Now()
	_, err := (Decoder{}).Open(ctx, copyOf(t, "hang"), video.Options{})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
	if _, err := (Decoder{}).Open(ctx, fixture, video.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a context that has ended: %v", err)
	}
	if _, _, err := (Decoder{}).ReadClip(t.Context(), fixture, video.Options{}); err != nil {
		t.Errorf("the next file: %v", err)
	}
	// In the middle of a film.
	ctx, stop := context.WithCancel(t.Context())
	r, err := (Decoder{}).Open(ctx, fixture, video.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stop()
	for err == nil {
		_, _, err = r.Next()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("in the middle: %v", err)
	}
}

// answers are what a child may say that has lost its mind.
func answers(t testing.TB) map[string]string {
	info, err := video.Probe(t.Context(), fixture, video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	say := func(kind byte, m message) string {
		var b bytes.Buffer
		if err := writeJSON(&b, kind, m); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	well := say(replyOpened, message{Info: info, W: 64, H: 48})
	head := string(binary.LittleEndian.AppendUint32([]byte{replyOpened}, 1<<31))
	broken := info
	broken.Rate.Den = 0
	return map[string]string{
		"noise":             "\x7fELF and other things that nobody asked for, and more of it than one message has",
		"a huge message":    head,
		"no JSON":           string(binary.LittleEndian.AppendUint32([]byte{replyOpened}, 2)) + "no",
		"the end first":     say(replyEnd, message{Info: info}),
		"no size":           say(replyOpened, message{Info: info}),
		"a huge size":       say(replyOpened, message{Info: info, W: 1 << 30, H: 1 << 30}),
		"negative":          say(replyOpened, message{Info: info, W: -64, H: -48}),
		"no rate":           say(replyOpened, message{Info: broken, W: 64, H: 48}),
		"an error of none":  say(replyError, message{Info: info}),
		"noise for a frame": well + "Q",
		"an end that fails": well + say(replyEnd, message{Info: info, Failure: &failure{Text: []byte("?")}}),
		"frames for ever":   well + strings.Repeat("F"+strings.Repeat("\x00", frameHeaderBytes+3*64*48), 4),
	}
}

// TestGarbage: a child that breaks the protocol costs its file, and is not used again.
func TestGarbage(t *testing.T) {
	for name, says := range answers(t) {
		lone(t)
		t.Setenv(role, "@"+writeFile(t, "answer", []byte(says)))
		_, _, err := (Decoder{}).ReadClip(t.Context(), fixture, video.Options{MaxFrames: 3})
		if !errors.Is(err, ErrCrashed) || errkind.Of(err) != "crashed" || !strings.Contains(err.Error(), "answered") {
			t.Errorf("%s: %v, want ErrCrashed", name, err)
		}
		t.Setenv(role, "")
		if _, _, err := (Decoder{}).ReadClip(t.Context(), fixture, video.Options{}); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

// FuzzReplies reads any bytes as a child's.
func FuzzReplies(f *testing.F) {
	for _, says := range answers(f) {
		f.Add([]byte(says))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		over := make(chan struct{})
		close(over)
		ask := request{Op: opOpen, Path: []byte(fixture)}
		s := &session{ctx: t.Context(), ask: ask, let: func() bool { return true }, p: &process{
			out: bufio.NewReader(bytes.NewReader(b)), kill: func() {}, over: over, served: -1, memory: 1,
		}}
		r := &reader{session: s, opts: video.Options{Limits: video.Limits{MaxPixels: 1 << 16}}, most: 5}
		if err := r.retry("fuzz", r.opened, nil); err != nil {
			if s.p != nil {
				t.Fatalf("%v, and the child is kept", err)
			}
			return
		}
		for n := 0; ; n++ {
			pix, _, err := r.Next()
			if err != nil {
				if _, _, again := r.Next(); s.p != nil || again != err {
					t.Fatalf("%v, then %v", err, again)
				}
				return
			}
			if w, h := r.Size(); len(pix) != 3*w*h || w*h > 1<<16 || n >= 5 {
				t.Fatalf("frame %d of %d bytes, %d x %d", n, len(pix), w, h)
			}
		}
	})
}

// TestOneChild reads 200 clips by one child.
func TestOneChild(t *testing.T) {
	lone(t)
	seen := map[int]int{}
	for i := range 200 {
		o := video.Options{W: 32, H: 32, MaxFrames: 1 + i%5}
		r, err := (Decoder{}).Open(t.Context(), fixture, o)
		if err != nil {
			t.Fatal(err)
		}
		seen[r.(*reader).p.cmd.Process.Pid]++
		if c, _, err := video.Gather(r, fixture, o); err != nil || c.T != o.MaxFrames {
			t.Fatal(err)
		}
	}
	if len(seen) != 1 {
		t.Errorf("%d children: %v", len(seen), seen)
	}
}

// TestDamageEndsTheChild: who has met damage reads nothing else.
func TestDamageEndsTheChild(t *testing.T) {
	lone(t)
	for _, path := range inputs(t) {
		_, info, err := (Decoder{}).ReadClip(t.Context(), path, video.Options{})
		pool.Lock()
		waits := len(pool.idle)
		pool.Unlock()
		if damaged := info.Damaged || errors.Is(err, video.ErrCorrupt); (waits == 0) != damaged {
			t.Errorf("%s: damaged %v, error %v, %d children wait", path, info.Damaged, err, waits)
		}
	}
}

// TestSignals: Ctrl-C and supervisors signal all processes of a group. The parent decides.
func TestSignals(t *testing.T) {
	lone(t)
	if _, err := (Decoder{}).Probe(t.Context(), fixture, video.Limits{}); err != nil {
		t.Fatal(err)
	}
	pool.Lock()
	p := pool.idle[0]
	pool.Unlock()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(50 * time.Millisecond)
	if p.ended() {
		t.Errorf("it ended: %s", p.why())
	}
	if group, err := syscall.Getpgid(p.cmd.Process.Pid); err != nil || group == syscall.Getpgrp() {
		t.Errorf("group %d is this process' own: %v", group, err)
	}
}

// TestMemory: a file that takes more than a child may have fails with the flag's name, and
// is read with more.
func TestMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no limit on this system")
	}
	lone(t)
	path := filepath.Join(t.TempDir(), "large.mp4")
	if err := video.Encode(t.Context(), path, clip.New(12, 2048, 2048, clip.Rate{Num: 25, Den: 1}), video.EncodeOptions{}); err != nil {
		t.Fatal(err)
	}
	o := video.Options{W: 64, H: 64}
	_, _, err := (Decoder{Memory: 64 << 20}).ReadClip(t.Context(), path, o)
	if !errors.Is(err, video.ErrLimit) || !strings.Contains(err.Error(), "--decode-memory") {
		t.Errorf("64 MB: %v", err)
	}
	if _, _, err := (Decoder{Memory: 64 << 20}).ReadClip(t.Context(), fixture, o); err != nil {
		t.Errorf("a small file in 64 MB: %v", err)
	}
	if c, _, err := (Decoder{}).ReadClip(t.Context(), path, o); err != nil || c.T != 12 {
		t.Errorf("by default: %v", err)
	}
}

// TestParentDies kills a parent by force whose children decode, hang and wait.
func TestParentDies(t *testing.T) {
	parent := exec.Command(os.Args[0], fixture, copyOf(t, "hang"))
	parent.Env = append(os.Environ(), role+"=parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer parent.Wait()
	defer parent.Process.Kill()
	lines := bufio.NewScanner(out)
	var pids []int
	for len(pids) < 2 && lines.Scan() {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(lines.Text())
		}
		pids = append(pids, pid)
	}
	time.Sleep(300 * time.Millisecond) // the second one hangs by then
	if len(pids) < 2 || !alive(pids[0]) || !alive(pids[1]) {
		t.Fatalf("children %v are not there", pids)
	}
	parent.Process.Kill()
	for end := time.Now().Add(5 * time.Second); alive(pids[0]) || alive(pids[1]); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("they outlive their parent")
		}
	}
}

// TestClosedPipe: where the kernel does not end a child with its parent, the end of its
// input does, whatever it is doing.
func TestClosedPipe(t *testing.T) {
	lone(t)
	t.Setenv(role, "poison")
	p, err := start(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(p.in, 0, request{Op: opOpen, Path: []byte(copyOf(t, "hang"))}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if p.ended() {
		t.Fatal("it ended before")
	}
	p.in.Close()
	select {
	case <-p.over:
	case <-time.After(5 * time.Second):
		t.Error("it goes on")
	}
	p.end()
}

// alive reports whether a process runs; one that nobody has waited for does not.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// TestNothingIsLeft: files that end well, early and badly leave no goroutine, file or child.
func TestNothingIsLeft(t *testing.T) {
	lone(t)
	t.Setenv(role, "poison")
	late := copyOf(t, "late")
	count := func() int {
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return runtime.NumGoroutine() + len(files)
	}
	round := func() {
		record(t.Context(), Decoder{}, fixture, video.Options{}, -1)
		record(t.Context(), Decoder{}, fixture, video.Options{}, 3)
		record(t.Context(), Decoder{}, late, video.Options{}, -1)
	}
	round()
	endAll()
	before := count()
	for range 5 {
		round()
	}
	endAll()
	after := count()
	for range 500 { // what was told to end may need a moment
		if after <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
		after = count()
	}
	t.Errorf("%d goroutines and files, %d before", after, before)
}

// TestNotEnabled: a program that does not call Enable decodes in its own process.
func TestNotEnabled(t *testing.T) {
	lone(t)
	enabled = false
	defer func() { enabled = true }()
	r, err := (Decoder{}).Open(t.Context(), fixture, video.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, here := r.(*video.Reader); !here {
		t.Errorf("a %T", r)
	}
}

func TestMessages(t *testing.T) {
	var b bytes.Buffer
	if err := writeJSON(&b, 0, strings.Repeat("x", maxMessage)); err == nil {
		t.Error("a message over the limit was written")
	}
	f := failureOf(fmt.Errorf("%w: %s", video.ErrCorrupt, strings.Repeat("\xff", 1<<20)), 0)
	if data, err := json.Marshal(f); err != nil || len(data) > maxMessage {
		t.Errorf("%d bytes: %v", len(data), err)
	}
}

// BenchmarkDecode compares both ways, frame by frame, by the time that passes and by
// processor time, the child's with its start included.
func BenchmarkDecode(b *testing.B) {
	for _, o := range []video.Options{{}, {W: 64, H: 64, Fit: video.Crop}} {
		for _, d := range []Decoder{{InProcess: true}, {}} {
			b.Run(fmt.Sprintf("w=%d/in process=%v", o.W, d.InProcess), func(b *testing.B) {
				endAll()
				before := processorTime(b)
				for b.Loop() {
					r, err := d.Open(b.Context(), fixture, o)
					if err != nil {
						b.Fatal(err)
					}
					for err == nil {
						_, _, err = r.Next()
					}
					if err != io.EOF || r.Close() != nil {
						b.Fatal(err)
					}
				}
				endAll()
				b.ReportMetric(float64(48*b.N)/b.Elapsed().Seconds(), "frames/s")
				b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
			})
		}
	}
}

// processorTime is that of this process and of children that have ended.
func processorTime(b *testing.B) (sum time.Duration) {
	b.Helper()
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}

// BenchmarkStart starts a child and reads a file's head.
func BenchmarkStart(b *testing.B) {
	endAll()
	before := processorTime(b)
	for b.Loop() {
		if _, err := (Decoder{}).Probe(b.Context(), fixture, video.Limits{}); err != nil {
			b.Fatal(err)
		}
		endAll()
	}
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
}
