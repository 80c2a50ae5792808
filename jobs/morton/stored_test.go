package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/internal/store/storetest"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// uploadTo puts files of this machine into a folder of a store.
func uploadTo(t *testing.T, folder string, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := store.PutNew(store.Join(folder, path.Base(p)), p); err != nil {
			t.Fatal(err)
		}
	}
}

func putText(t *testing.T, place, text string) {
	t.Helper()
	if err := store.Replace(place, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestStoredTokenize does in a process of its own what docs/how-to/storage.md shows, with
// S3 and with Google's store: clips of a bucket become shards of it, and shards clips.
// Nothing that is printed or written has the secret key.
func TestStoredTokenize(t *testing.T) {
	s3, gs := storetest.S3(t, "bucket"), storetest.GS(t)
	for _, bucket := range []string{"s3://bucket", "gs://bucket"} {
		uploadTo(t, bucket+"/clips", "../../testdata/video/city_320x180_25fps_48f.mp4", "../../testdata/video/plant_320x240_30fps_36f.mp4")
		for _, want := range []string{"2 done, 0 failed", "2 done (2 by an earlier run), 0 failed"} {
			out := mortonProcess(t, "tokenize", "video", bucket+"/clips/*.mp4", "--out", bucket+"/shards/", "-v")
			if !strings.Contains(out, want) {
				t.Errorf("%s: it does not say %q:\n%s", bucket, want, out)
			}
		}
		if out := mortonProcess(t, "detokenize", bucket+"/shards/", "--out", bucket+"/back"); !strings.Contains(out, "2 done, 0 failed") {
			t.Errorf("%s:\n%s", bucket, out)
		}
		objects := 0
		if err := store.Walk(bucket, "", func(name string, _ fs.FileInfo) error {
			objects++
			data, err := store.ReadFile(bucket+"/"+name, 1<<30)
			if strings.Contains(string(data), storetest.Secret) {
				t.Errorf("%s/%s has the secret key", bucket, name)
			}
			return err
		}); err != nil || objects < 15 {
			t.Errorf("%d objects, %v", objects, err)
		}
	}
	t.Logf("%d requests of s3, %d of gs", s3.Requests.Load(), gs.Requests.Load())
}

// mortonProcess runs a command line in a process of its own, with a temporary folder that
// it must leave empty, and returns all that it printed.
func mortonProcess(t *testing.T, args ...string) string {
	t.Helper()
	temp := t.TempDir()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("morton %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if strings.Contains(string(out), storetest.Secret) {
		t.Errorf("it prints the secret key:\n%s", out)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
	return string(out)
}

// TestStoredElsewhere has a worker in another process take everything from a store: the
// manifest, the inputs, the record of the job. The tokens are those of this process.
func TestStoredElsewhere(t *testing.T) {
	storetest.S3(t, "bucket")
	withQuads(t, openNoting)
	uploadTo(t, "s3://bucket/in", "../../testdata/mesh/cc-0_box.obj", "../../testdata/mesh/cc-0_crate.obj")
	const manifest = "s3://bucket/in/all.jsonl"
	putText(t, manifest, `{"input": "cc-0_box.obj"}
{"input": "cc-0_crate.obj", "id": "crate"}
{"input": "missing.obj"}
`)
	endpoint := startPrism(t)
	var want string
	for _, out := range []string{"s3://bucket/here", "s3://bucket/there"} {
		notes := t.TempDir()
		t.Setenv(workerNotes, notes)
		args := []string{"generate", "quads", "--manifest", manifest, "--out", out, "--json", "--subgroup", "16", "--threads", "2"}
		if out == "s3://bucket/there" {
			config, _ := json.Marshal(map[string]any{"command": os.Args[0], "env": map[string]string{workerNotes: notes}})
			args = append(args, "--runner", "universal", "--endpoint", endpoint, "--environment_type", "PROCESS", "--environment_config", string(config))
		}
		code, s, errs := runJSON(t, args)
		resetRunner(t)
		if code != exitFailed || s.Done != 2 || s.Failed != 1 || s.Kinds["not_found"] != 1 {
			t.Fatalf("exit %d, %+v\n%s", code, s, errs)
		}
		if _, err := os.Stat(filepath.Join(notes, fmt.Sprint(os.Getpid()))); (err == nil) != (out == "s3://bucket/here") {
			t.Errorf("%s: this process worked: %v", out, err == nil)
		}
		data, err := store.ReadFile(store.Join(out, report.TokensFile(request.Quads)), 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = string(data)
		}
		if string(data) != want {
			t.Error("tokens differ")
		}
		left, err := store.ReadDir(store.Join(out, "jobs"))
		if err != nil || len(left) > 0 {
			t.Errorf("left of the job: %v, %v", left, err)
		}
	}
}

// TestStoreThatDoesNotAnswer: what may do later is no wrong use, in whichever flag the place
// stands.
func TestStoreThatDoesNotAnswer(t *testing.T) {
	o := newGenerateFlags().options
	down := &fs.PathError{Op: "stat", Path: "s3://bucket/a", Err: fmt.Errorf("%w: 503", store.ErrUnavailable)}
	for err, wrong := range map[error]bool{down: false, fmt.Errorf("%w: %w", pipelines.ErrOut, down): false, fs.ErrNotExist: true} {
		if got := o.ofPlace("--out s3://bucket/a: ", err); errors.Is(got, errUsage) != wrong || !strings.Contains(got.Error(), "--out s3://bucket/a: ") {
			t.Errorf("%v: %v, want wrong use %v", err, got, wrong)
		}
	}
	if err := o.outError(fmt.Errorf("%w: %w", pipelines.ErrOut, down)); errors.Is(err, errUsage) {
		t.Errorf("--out: %v", err)
	}
}

// TestStoredMistakes: what is wrong with a place is one line, and exit 2.
func TestStoredMistakes(t *testing.T) {
	withMirror(t)
	storetest.S3(t, "bucket")
	storetest.GS(t)
	t.Setenv("MORTON_CACHE", t.TempDir())
	uploadTo(t, "s3://bucket/in", "../../testdata/mesh/cc-0_box.obj")
	for _, c := range []struct{ args, want string }{
		{"s3://bucket/in/*.ply --out s3://bucket/out", "no file matches: s3://bucket/in/*.ply"},
		{"s3://bucket/in --out s3://bucket/out", "its files are --input 's3://bucket/in/*.obj'"},
		{"s3://bucket/in/cc-0_box.obj --out s3://bucket/in/cc-0_box.obj", "in/cc-0_box.obj: not a folder"},
		{"s3://bucket/in/cc-0_box.obj --out s3://nothing/out", "s3://nothing/out: the bucket does not exist"},
		{"s3://bucket/in/cc-0_box.obj --out s3://bucket/out --model s3://bucket/model", "--model s3://bucket/model"},
		{"s3://bucket/in/cc-0_box.obj --out o --manifest s3://bucket/none.jsonl", "not both"},
	} {
		code, out, errs := morton(append([]string{"generate", "quads"}, strings.Fields(c.args)...)...)
		if code != exitUsage || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("%s: exit %d, %q, want 2 and one line with %q", c.args, code, errs, c.want)
		}
	}
	for _, command := range []string{"status", "wait", "cancel"} {
		if code, _, errs := morton(command, "--out", "s3://nothing/out"); code != exitUsage || !strings.Contains(errs, "the bucket does not exist") {
			t.Errorf("%s: exit %d, %s", command, code, errs)
		}
	}
	if code, _, errs := morton("generate", "quads", "s3://bucket/in/cc-0_box.obj", "--out", "gs://closed/out"); code != exitFailed || !strings.Contains(errs, "permission denied") {
		t.Errorf("a closed bucket: exit %d, %s", code, errs)
	}
	code, s, errs := runJSON(t, []string{"generate", "quads", "s3://bucket/in/cc-0_box.obj", "--out", "s3://bucket/out", "--input-limit", "1K", "--json"})
	if code != exitFailed || s.Kinds["limit"] != 1 {
		t.Errorf("exit %d, %+v\n%s", code, s, errs)
	}
	failures, err := report.ReadFailures("s3://bucket/out")
	if err != nil || len(failures) != 1 || !strings.Contains(failures[0].Message, "s3://bucket/in/cc-0_box.obj has") {
		t.Errorf("%+v, %v", failures, err)
	}
}

// TestMissingCredentials names a file of credentials that is not there: that is wrong use
// also where only an input is in the store, and the file is told.
func TestMissingCredentials(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.json")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", none)
	out := filepath.Join(t.TempDir(), "o")
	for _, words := range [][]string{
		{"generate", "shape", "--class", "chair", "--out", "gs://nobody-opens-this/o"},
		{"status", "--out", "gs://nobody-opens-this/o"},
		{"generate", "quads", "gs://nobody-opens-this/a.obj", "--out", out},
		{"remesh", "gs://nobody-opens-this/*.obj", "--out", out},
	} {
		code, _, errs := morton(words...)
		if code != exitUsage || !strings.Contains(errs, none) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: exit %d, %s", words, code, errs)
		}
	}
	manifest := filepath.Join(t.TempDir(), "m.jsonl")
	if err := os.WriteFile(manifest, []byte(`{"input": "gs://nobody-opens-this/a.obj"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := morton("remesh", "--manifest", manifest, "--out", out); code != exitUsage || !strings.Contains(errs, none) {
		t.Errorf("a manifest: exit %d, %s", code, errs)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a folder was made")
	}
}
