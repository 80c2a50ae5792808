package pipelines

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// broken is one kind of input that cannot be read.
type broken struct {
	file string
	data []byte // nil: there is no such file, or what the name says
	kind string
}

func head(t *testing.T, path string, n int) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data[:min(n, len(data))]
}

func brokenMeshes(t *testing.T) []broken {
	glb := head(t, "../testdata/mesh/generic_hand_left.glb", 4000)
	return []broken{
		{"empty.obj", []byte{}, "empty"},
		{"truncated.glb", glb, "corrupt"},
		{"wrong_type.glb", []byte("\x89PNG\r\n\x1a\n, not a mesh"), "not_gltf"},
		{"unknown.xyz", []byte("\x89PNG\r\n\x1a\n, not a mesh"), "not_a_mesh"},
		{"huge_counts.gltf", []byte(`{"asset":{"version":"2.0"},"buffers":[{"byteLength":12,"uri":"data:application/octet-stream;base64,AAAAAAAAAAAAAAAA"}],
			"bufferViews":[{"buffer":0,"byteLength":12}],"accessors":[{"bufferView":0,"componentType":5126,"count":2000000000,"type":"VEC3"}],
			"meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}],"nodes":[{"mesh":0}]}`), "limit"},
		{"nan.obj", []byte("v 0 0 0\nv 1 0 0\nv nan 1 0\nf 1 2 3\n"), "not_finite"},
		{"no_faces.obj", []byte("v 0 0 0\nv 1 0 0\n"), "no_faces"},
		{"bad_face.obj", []byte("v 0 0 0\nv 1 0 0\nf 1 2 9\n"), "bad_face"},
		{"syntax.obj", []byte("v 0 0\n"), "syntax"},
		{"missing.obj", nil, "not_found"},
		{"folder.obj", nil, "not_a_file"},
		{"pipe.obj", nil, "not_a_file"},
		{"dangling.obj", nil, "not_found"},
	}
}

func brokenVideos(t *testing.T) []broken {
	return []broken{
		{"empty.mp4", []byte{}, "empty"},
		{"text.mp4", []byte(strings.Repeat("no video at all\n", 100)), "not_a_video"},
		{"truncated.mp4", head(t, "../testdata/video/bbb_256x144_25fps_64f.mp4", 600), "corrupt"},
		{"audio.wav.mp4", ffmpeg(t, "-f", "lavfi", "-i", "sine=d=0.2", "-c:a", "aac", "-f", "mp4"), "no_video_stream"},
		{"no_frames.mkv", ffmpeg(t, "-f", "lavfi", "-i", "color=s=64x64:d=0.2", "-frames:v", "0", "-c:v", "mpeg4", "-f", "matroska"), "no_frames"},
		{"missing.mp4", nil, "not_found"},
		{"folder.mp4", nil, "not_a_file"},
		{"pipe.mp4", nil, "not_a_file"},
		{"dangling.mp4", nil, "not_found"},
	}
}

// ffmpeg returns a file that the tool makes, or nil where there is no such tool.
func ffmpeg(t *testing.T, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made")
	out, err := exec.Command("ffmpeg", append(append([]string{"-v", "error", "-y"}, args...), path)...).CombinedOutput()
	if err != nil {
		t.Logf("ffmpeg: %v: %s", err, out)
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// place writes the inputs, leaves out those that could not be made here, and
// returns their paths with the kinds that are due.
func place(t *testing.T, all []broken) (paths []string, kinds map[string]string) {
	folder := t.TempDir()
	kinds = map[string]string{}
	for _, b := range all {
		path := filepath.Join(folder, b.file)
		var err error
		switch {
		case b.data != nil:
			err = os.WriteFile(path, b.data, 0o644)
		case strings.HasPrefix(b.file, "folder"):
			err = os.Mkdir(path, 0o755)
		case strings.HasPrefix(b.file, "pipe"):
			err = syscall.Mkfifo(path, 0o644)
		case strings.HasPrefix(b.file, "dangling"):
			err = os.Symlink("nowhere", path)
		case b.kind != "not_found":
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		paths, kinds[path] = append(paths, path), b.kind
	}
	return paths, kinds
}

// TestBrokenInputs runs broken inputs beside good ones: each gets its kind, and
// the good ones their results.
func TestBrokenInputs(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	use(t, request.Video, newEcho(shard.KindCube))
	for _, c := range []struct {
		family request.Family
		good   []string
		broken []broken
	}{
		{request.Quads, meshes(t)[:2], brokenMeshes(t)},
		{request.Video, []string{"../testdata/video/plant_320x240_30fps_36f.mp4"}, brokenVideos(t)},
	} {
		for _, runner := range []string{"direct", "prism"} {
			t.Run(string(c.family)+"/"+runner, func(t *testing.T) {
				paths, kinds := place(t, c.broken)
				j := job(t, c.family, append(paths, c.good...))
				j.Runner = runner
				s, err := Generate(context.Background(), j)
				if err != nil {
					t.Fatal(err)
				}
				if s.Done != len(c.good) || s.Failed != len(kinds) {
					t.Errorf("%d done and %d failed, want %d and %d", s.Done, s.Failed, len(c.good), len(kinds))
				}
				checkFailures(t, j, kinds)
			})
		}
	}
}

func checkFailures(t *testing.T, j Job, kinds map[string]string) {
	t.Helper()
	failures, err := report.ReadFailures(j.Settings.Out)
	if err != nil {
		t.Fatal(err)
	}
	if len(failures) != len(kinds) {
		t.Errorf("%d failures, want %d", len(failures), len(kinds))
	}
	for _, f := range failures {
		if f.Kind != kinds[f.Input] || f.Stage != "decode" || f.Message == "" {
			t.Errorf("%s: kind %q at %s (%s), want %q", filepath.Base(f.Input), f.Kind, f.Stage, f.Message, kinds[f.Input])
		}
	}
}

// TestUnreadableInput runs as a user who may not read a file: root may read all,
// so as root the test gives itself to another user in a process of its own.
func TestUnreadableInput(t *testing.T) {
	if folder := os.Getenv("MORTON_UNREADABLE"); folder != "" {
		unreadable(t, folder)
		return
	}
	folder := t.TempDir()
	if os.Geteuid() != 0 {
		unreadable(t, folder)
		return
	}
	for dir := folder; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	self := filepath.Join(folder, "test")
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(self, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestUnreadableInput$", "-test.v")
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "MORTON_UNREADABLE="+folder, "TMPDIR="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestUnreadableInput")) {
		t.Fatalf("as another user: %v\n%s", err, out)
	}
}

func unreadable(t *testing.T, folder string) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	locked, open := filepath.Join(folder, "locked.obj"), filepath.Join(folder, "open.obj")
	triangle := []byte("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
	for path, mode := range map[string]os.FileMode{locked: 0, open: 0o644} {
		if err := os.WriteFile(path, triangle, mode); err != nil {
			t.Fatal(err)
		}
	}
	j := job(t, request.Quads, []string{locked, open})
	s, err := Generate(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	if s.Done != 1 || s.Failed != 1 {
		t.Fatalf("%+v", s)
	}
	checkFailures(t, j, map[string]string{locked: "permission"})
}
