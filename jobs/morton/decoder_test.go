package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// TestDecoderCrashes sends signals to the processes that decode three of five clips, as
// often as one begins: a crash, an end for want of memory, and a hang cost one input each.
// The tokens of the others are those of a decoder in this process. The work is done in this
// process, and in a worker of a runner elsewhere.
func TestDecoderCrashes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks at /proc")
	}
	if testing.Short() {
		t.Skip("waits for a limit of time")
	}
	defer resetRunner(t)
	folder, goods, signals := clipsToCrash(t)
	want, s, errs := tokenizeVideos(t, append(goods, "--decode-in-process")...)
	if s.Done != 2 {
		t.Fatalf("%+v\n%s", s, errs)
	}
	config, err := json.Marshal(map[string]any{"command": os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string][]string{
		"here": nil, "worker": {"--runner", "universal", "--endpoint", startPrism(t), "--environment_type", "PROCESS", "--environment_config", string(config)},
	} {
		t.Run(name, func(t *testing.T) {
			defer resetRunner(t)
			over := make(chan struct{})
			met := make(chan map[string]int)
			go signalDecoders(signals, over, met)
			got, s, errs := tokenizeVideos(t, append(flags, "--input-time", "20s", "--input", filepath.Join(folder, "*.mp4"))...)
			close(over)
			sent := <-met
			if len(sent) != 3 || s.Done != 2 || s.Failed != 3 || s.Kinds["crashed"] != 2 || s.Kinds["limit"] != 1 {
				t.Fatalf("signals %v, %+v\n%s", sent, s, errs)
			}
			if !bytes.Equal(got, want) {
				t.Error("the tokens differ from those that were decoded in process")
			}
			for _, says := range []string{"crash.mp4", "segmentation", "kill.mp4", "killed", "--input-time"} {
				if !strings.Contains(errs, says) {
					t.Errorf("nothing of %q in\n%s", says, errs)
				}
			}
		})
	}
}

// signalDecoders sends the process that has a file open its signal, until over is closed.
// It answers how often it did.
func signalDecoders(signals map[string]syscall.Signal, over chan struct{}, met chan map[string]int) {
	sent := map[string]int{}
	for {
		select {
		case <-over:
			met <- sent
			return
		case <-time.After(5 * time.Millisecond):
		}
		lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, line := range lines {
			text, err := os.ReadFile(line)
			if err != nil || !bytes.Contains(text, []byte("\x00decode-child\x00")) {
				continue
			}
			files, _ := filepath.Glob(filepath.Join(filepath.Dir(line), "fd/*"))
			for _, f := range files {
				path, err := os.Readlink(f)
				if signal, mine := signals[path]; err == nil && mine {
					pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(line)))
					if syscall.Kill(pid, signal) == nil {
						sent[path]++
					}
				}
			}
		}
	}
}

// clipsToCrash writes two clips that stay, and three whose decoders get a signal, by their paths.
func clipsToCrash(t *testing.T) (folder string, goods []string, signals map[string]syscall.Signal) {
	t.Helper()
	folder = t.TempDir()
	put := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	long := filepath.Join(t.TempDir(), "long.mp4") // long enough to be met
	if err := video.Encode(t.Context(), long, clip.New(1500, 360, 640, clip.Rate{Num: 25, Den: 1}), video.EncodeOptions{}); err != nil {
		t.Fatal(err)
	}
	slow, err := os.ReadFile(long)
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile("../../testdata/video/plant_320x240_30fps_36f.mp4")
	if err != nil {
		t.Fatal(err)
	}
	goods = []string{put("a.mp4", good), put("z.mp4", good)}
	signals = map[string]syscall.Signal{
		put("crash.mp4", slow): syscall.SIGSEGV, put("kill.mp4", slow): syscall.SIGKILL, put("hang.mp4", slow): syscall.SIGSTOP,
	}
	return folder, goods, signals
}

// tokenizeVideos returns the tokens of a run, its summary, and what it said of failures.
func tokenizeVideos(t *testing.T, args ...string) ([]byte, report.Summary, string) {
	t.Helper()
	out := t.TempDir()
	code, s, errs := runJSON(t, append([]string{"tokenize", "video", "--json", "--out", out}, args...))
	if code > exitFailed {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	data, err := os.ReadFile(filepath.Join(out, transforms.ShardFiles(request.Video, 1)[0]))
	if err != nil {
		t.Fatal(err)
	}
	failures, err := report.ReadFailures(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range failures {
		errs += f.Message + "\n"
	}
	return data, s, errs
}
