package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const testVideos = "../../codecs/video/testdata/"

// inspectedVideo is inspect's JSON of a path.
func inspectedVideo(t *testing.T, args ...string) map[string]any {
	t.Helper()
	code, out, errs := morton(append([]string{"inspect", "--json"}, args...)...)
	var found map[string]any
	if err := json.Unmarshal([]byte(out), &found); code != exitDone || err != nil {
		t.Fatalf("inspect %v: exit %d, %v\n%s%s", args, code, err, out, errs)
	}
	return found
}

// TestInspectSaysWhatIsUnknown: formats without a table do not tell their frames, and
// --count counts them.
func TestInspectSaysWhatIsUnknown(t *testing.T) {
	for _, name := range []string{"a.webm", "a.mkv", "a.ts", "fragments.mp4"} {
		path := filepath.Join(t.TempDir(), name)
		args := strings.Fields("-v error -f lavfi -i testsrc2=s=64x48:r=25:d=1.2 -movflags frag_keyframe+empty_moov " + path)
		if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if found := inspectedVideo(t, path); found["frames"] != nil || found["damaged_frames"] != nil {
			t.Errorf("%s: %v", name, found)
		}
		if found := inspectedVideo(t, path, "--count"); found["frames"] != 30.0 || found["seconds"] != 1.2 || found["damaged_frames"] != 0.0 {
			t.Errorf("%s, counted: %v", name, found)
		}
		if _, out, _ := morton("inspect", path); !strings.Contains(out, "unknown") || strings.Contains(out, "nil") {
			t.Errorf("%s as text:\n%s", name, out)
		}
	}
}

func TestInspectShowsWhatDecodingUses(t *testing.T) {
	found := inspectedVideo(t, testVideos+"tsjump.ts", "--count")
	for key, want := range map[string]any{
		"frames": 100.0, "seconds": 4.0, "start_seconds": 1.48, "clock_jumps": 1.0, "mirrored": false,
		"sample_aspect": "1:1", "pixel_format": "yuv420p", "truncated": false, "damaged_frames": 0.0,
	} {
		if found[key] != want {
			t.Errorf("%s is %v, want %v", key, found[key], want)
		}
	}
	if found := inspectedVideo(t, testVideos+"trail.mp4"); found["truncated"] != false {
		t.Errorf("bytes after the last box: %v", found)
	}
	if found := inspectedVideo(t, testVideos+"corrupt.mp4", "--count"); found["damaged_frames"] != 13.0 || found["truncated"] != false {
		t.Errorf("damage: %v", found)
	}
	if code, _, errs := morton("inspect", "--count", "../../testdata/mesh/scopia_bowl.obj"); code != exitFailed || !strings.Contains(errs, "a video") {
		t.Errorf("count of a mesh: exit %d, %s", code, errs)
	}
}

// TestInspectTakesMediaLimits: the flag that the error names is there.
func TestInspectTakesMediaLimits(t *testing.T) {
	args := []string{"inspect", testVideos + "tsjump.ts", "--media-limit", "pixels=100"}
	if code, _, errs := morton(append(args, "--count")...); code != exitFailed || !strings.Contains(errs, "--media-limit pixels=N") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := morton("inspect", testVideos+"tsjump.ts", "--media-limit", "bytes=100"); code != exitFailed || !strings.Contains(errs, "--media-limit bytes=N") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// TestInspectOfAPipe would hang if the pipe were opened.
func TestInspectOfAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "a.mp4")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, "/dev/zero", "/dev/null"} {
		if code, out, errs := morton("inspect", path); code != exitFailed || !strings.Contains(errs, "not a file") {
			t.Errorf("%s: exit %d\n%s%s", path, code, out, errs)
		}
	}
}
