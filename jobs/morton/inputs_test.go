package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
)

const box = "../../testdata/mesh/cc-0_box.obj"

// inputs makes a working directory with copies of a mesh under the names.
func inputs(t *testing.T, names ...string) {
	t.Helper()
	data, err := os.ReadFile(box)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, name := range names {
		write(t, name, string(data))
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// rows returns the results of a run by id, and its failures' kinds by input.
func rows(t *testing.T, out string) (map[string]report.Result, map[string]string) {
	t.Helper()
	results, err := report.ReadResults(out)
	if err != nil {
		t.Fatal(err)
	}
	failures, err := report.ReadFailures(out)
	if err != nil {
		t.Fatal(err)
	}
	byID, kinds := map[string]report.Result{}, map[string]string{}
	for _, r := range results {
		byID[r.ID] = r
	}
	for _, f := range failures {
		kinds[f.Input] = f.Kind
	}
	return byID, kinds
}

// newcomersMistakes are wrong command lines, with words that the answer has.
var newcomersMistakes = []struct{ args, want string }{
	{"generate video --out o --manifest frames0.jsonl", "frames0.jsonl:1: prefix 16 and frames 0: both are at least 1"},
	{"generate video --out o --manifest prefix0.jsonl", "prefix0.jsonl:2: prefix 0 and frames 48: both are at least 1"},
	{"generate video --out o --input a.obj --frames 0", "at least 1"},
	{"generate video --out o --input a.obj --prefix 0", "at least 1"},
	{"generate video --out o --input a.obj --frames -5", "at least 1"},
	{"generate video --out o --input a.obj --frames 99999999", "frames 99999999: from 0 to"},
	{"generate quads --out o --manifest faces0.jsonl", "faces0.jsonl:1: faces 0: at least 1"},
	{"generate quads --out o --manifest typo.jsonl", `typo.jsonl:1: unknown field "fases"; did you mean "faces"?`},
	{"generate quads --out o --manifest noinput.jsonl", "noinput.jsonl:1: no input"},
	{"tokenize quads --out o --manifest noinput.jsonl", "noinput.jsonl:1: no input"},
	{"generate quads --out o --manifest foreign.jsonl", `foreign.jsonl:1: "frames" is no field of quads`},
	{"generate quads --out o --manifest blank.jsonl", "blank.jsonl has no requests"},
	{"generate quads --out o --manifest list.jsonl", "list.jsonl:1: a list"},
	{"generate quads --out o --manifest twice.jsonl", `twice.jsonl:2: id "A" is taken`},
	{"generate quads --out o --manifest clips", "clips is a folder"},
	{"generate quads --out o --manifest a.obj", "a.obj:1: not JSON"},
	{"generate quads --out o --manifest=", "--manifest is empty"},
	{"generate quads --out o --manifest typo.jsonl --manifest list.jsonl", "given twice"},
	{"generate quads --out o --input=", "--input is empty"},
	{"generate quads --out o --input a.obj --overwrite false", "--overwrite=false"},
	{"generate quads --out o --json true a.obj", "--json=true"},
	{"generate quads --out o --input ~/*.obj", "in quotes ~ is not your home folder"},
	{"generate sculpture --out o", `no kind "sculpture": video, image, shape, quads, rig`},
	{"generate shape --out o --input=", "--input is empty"},
	{"generate quads --out o --input", "--input needs a value"},
	{"generate quads --out o clips", "clips is a folder; its files are --input 'clips/*.obj'"},
	{"generate quads --out o --input clips/", "'clips/*.obj'"},
	{"generate quads --out o --input empty", "empty is a folder, and empty"},
	{"generate quads --out o --input clips empty", "clips is a folder"},
	{"generate quads --out o --input *.ply --input *.stl", "no file matches: *.ply"},
	{"generate quads --out o --input [a", "syntax error in pattern: [a"},
	{"generate quads --out o --input {a", "syntax error in pattern: {a"},
	{"generate quads --out= --input a.obj", "--out"},
	{"generate quads --out o --input a.obj --faces -3", "at least 1"},
	{"generate quads --out o --input a.obj --faces 1e3", `invalid value "1e3"`},
	{"generate quads --out o --input a.obj --seed -1", `invalid value "-1"`},
	{"generate quads --out o --input a.obj --seed seven", `invalid value "seven"`},
	{"generate quads --out o --input a.obj --temperature -1", "temperature -1"},
	{"generate quads --out o --input a.obj --temperature NaN", "temperature NaN"},
	{"generate quads --out o --input a.obj --top-k -1", "top-k -1"},
	{"generate quads --out o --input a.obj --top-p 0", "top-p 0"},
	{"generate quads --out o --input a.obj --workers -1", "workers"},
	{"generate quads --out o --input a.obj --workers 1000", "workers"},
	{"generate quads --out o --input a.obj --slots -1", "-1 slots, from 0 to 65536"},
	{"generate quads --out o --input a.obj --slots 9000000000000000000", "slots, from 0 to 65536"},
	{"generate quads --out o --input a.obj --in-flight -2", "-2 in flight, from 0 to 65536"},
	{"generate quads --out o --input a.obj --in-flight 1000000000", "in flight, from 0 to 65536"},
	{"generate quads --out o --input a.obj --input-time -1s", "an input time of -1s"},
	{"generate quads --out dangling --input a.obj", "a link to nothing"},
	{"generate quads --out o --input a.obj --precision int3", "--precision is one of"},
	{"generate quads --out o --input a.obj --prefix 3", "unknown flag --prefix"},
	{"generate quads --out o --input a.obj -overwite", "did you mean --overwrite?"},
	{"generate shape --out o --input a.obj --depth 99", "depth 99"},
	{"generate shape --out o --input a.obj --depth 3 --prefix-depth 4", "prefix-depth 4 is over depth 3"},
	{"generate shape --out o --prefix-depth 4", "--prefix-depth needs an --input"},
	{"generate shape --out o --count 0", "--count is 1 to"},
	{"generate shape --out o --count -1", "--count is 1 to"},
	{"generate shapes --out o", "did you mean shape?"},
	{"generate --out o", "generate what?"},
	{"generate --out o quads", "--input or --manifest"},
	{"generate --frames 3", "generate what?"},
	{"generate quads --faecs=3 --out o", "did you mean --faces?"},
	{"generate quads --max-faild 3 --out o", "did you mean --max-failed?"},
	{"generate quads -faces x --out o", `invalid value "x" for --faces`},
	{"generate quads --in-flight 99999999999999999999 --out o", "out of range"},
	{"--faces 3", "unknown flag --faces"},
	{"help generte", "did you mean generate?"},
	{"help generate quasd", "no help on \"generate quasd\""},
	{"tokenize video --out o --input a.obj --frames -1", "frames"},
	{"tokenize quads --out o --input a.obj --shards -1", "shards"},
	{"tokenize quads --out o --input a.obj --faces 3", "unknown flag --faces"},
	{"tokenise quads --out o --input a.obj", "did you mean tokenize?"},
	{"detokenize vidoe --input clips --out o", "did you mean video?"},
	{"detokenize quads --out o", "--input is required: the shards"},
	{"detokenize quads --input empty --out o", "no .parquet file in empty"},
	{"detokenize quads --input empty --input *.parquet --out o", "no .parquet file in empty"},
}

// TestNewcomersMistakes expects of each one line, exit 2, and nothing written.
func TestNewcomersMistakes(t *testing.T) {
	withMirror(t)
	mistakenFiles(t)
	for _, c := range newcomersMistakes {
		code, out, errs := morton(strings.Fields(c.args)...)
		if code != exitUsage || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("morton %s: exit %d, %q, want 2 and one line with %q", c.args, code, errs, c.want)
		}
		resetRunner(t)
		if _, err := os.Stat("o"); err == nil {
			t.Fatalf("morton %s made a folder", c.args)
		}
	}
}

// TestLinesThatAreNone are lines of a manifest that no kind takes.
func TestLinesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	for line, want := range map[string]string{
		"null": "null where an object", `{"row": 3}`: `"row" is no field of shape`, `{"input": "a.obj", "row": 3}`: `"row" is no field of shape`, `["a"]`: "one object",
	} {
		path := filepath.Join(dir, "m.jsonl")
		if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := morton("generate", "shape", "--manifest", path, "--out", filepath.Join(dir, "o")); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %s", line, code, errs)
		}
	}
}

// TestManifestRun: paths relative to the manifest, a byte order mark, a user's own
// fields, ids of any script; then the run's own manifest from another folder.
func TestManifestRun(t *testing.T) {
	withMirror(t)
	inputs(t, "set/in/日本.obj", "set/in/b.obj", "other/x")
	const text = "\ufeff" + `{"input": "in/日本.obj", "label": "chair", "score": 0.50}` + "\n" + `{"id": "é-2", "input": "in/b.obj", "seed": 3}` + "\n" +
		`{"id": "again", "input": "in/b.obj", "seed": 4}` + "\n" + `{"id": "lost", "input": "in/nothing.obj", "label": "none"}` + "\n"
	write(t, "set/m.jsonl", text)
	code, _, errs := morton("generate", "quads", "--manifest", "set/m.jsonl", "--out", "out", "--model", t.Name())
	if code != exitFailed {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	done, failed := rows(t, "out")
	if r := done["日本"]; r.Input != "set/in/日本.obj" || string(r.Extra["label"]) != `"chair"` || string(r.Extra["score"]) != "0.50" {
		t.Errorf("日本: %+v", r)
	}
	if len(done) != 3 || done["é-2"].TokensSHA256 == done["again"].TokensSHA256 {
		t.Errorf("%d results; lines that name one file are all done", len(done))
	}
	if failed["set/in/nothing.obj"] != "not_found" {
		t.Errorf("failures %v", failed)
	}
	failures, err := os.ReadFile("out/failures.jsonl")
	if err != nil || !bytes.Contains(failures, []byte(`"extra":{"label":"none"}`)) {
		t.Errorf("failures.jsonl has no label: %s", failures)
	}
	if _, err := os.Stat("out/quads/.requests.jsonl"); err == nil {
		t.Error("the graph's own manifest is left")
	}
	page, err := os.ReadFile("out/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`href="./quads/%E6%97%A5%E6%9C%AC.glb"`, `href="./../set/in/%E6%97%A5%E6%9C%AC.obj"`, `>日本<`, `href="./quads/%C3%A9-2.glb"`} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, file := range []string{"日本.glb", "日本.obj", "日本.png", "done/日本.parquet", "done/日本.json", "é-2.glb"} {
		if _, err := os.Stat(filepath.Join("out/quads", file)); err != nil {
			t.Error(err)
		}
	}
	samples, err := shard.ReadAll("out/quads/tokens.parquet", shard.Limits{})
	if err != nil || len(samples) != 3 || samples[2].ID != "日本" || samples[2].Source != "set/in/日本.obj" {
		t.Errorf("%+v, error %v", samples, err)
	}

	t.Chdir("other")
	code, said, errs := morton("generate", "quads", "--manifest", "../out/quads/requests.jsonl", "--out", "../out", "--model", t.Name())
	if code != exitFailed || !strings.Contains(said, "3 done (3 by an earlier run), 1 failed") {
		t.Fatalf("the run's own manifest: exit %d\n%s%s", code, said, errs)
	}
}

// TestLabelAlone: a label that changes redoes nothing, and is the one in the row.
func TestLabelAlone(t *testing.T) {
	withMirror(t)
	inputs(t, "a.obj")
	for i, label := range []string{"old", "new"} {
		write(t, "m.jsonl", `{"input": "a.obj", "label": "`+label+`"}`)
		code, said, errs := morton("generate", "quads", "--manifest", "m.jsonl", "--out", "out", "--model", t.Name())
		if code != exitDone || strings.Contains(said, "by an earlier run") != (i == 1) {
			t.Fatalf("exit %d\n%s%s", code, said, errs)
		}
		if done, _ := rows(t, "out"); string(done["a"].Extra["label"]) != `"`+label+`"` {
			t.Errorf("%+v, want label %s", done["a"], label)
		}
	}
}

// TestManifestFromStandardInput reads "-"; paths are then of the working directory.
func TestManifestFromStandardInput(t *testing.T) {
	withMirror(t)
	inputs(t, "in/a.obj")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = r
	t.Cleanup(func() { os.Stdin = before; r.Close() })
	if _, err := io.WriteString(w, `{"input": "in/a.obj"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	code, _, errs := morton("tokenize", "quads", "--manifest", "-", "--out", "out", "--model", t.Name())
	if done, _ := rows(t, "out"); code != exitDone || done["a"].Input != "in/a.obj" {
		t.Fatalf("exit %d, %v\n%s", code, done, errs)
	}
	code, _, errs = morton("tokenize", "quads", "--manifest", "-", "--out", "out", "--model", t.Name())
	if code != exitUsage || !strings.Contains(errs, "has no requests") {
		t.Fatalf("exit %d\n%s", code, errs)
	}
}

// TestInputsThatNameNothing among others: each is a failure of its own kind, and
// the rest is done.
func TestInputsThatNameNothing(t *testing.T) {
	withMirror(t)
	inputs(t, "a.obj", "caf\xe9.obj", "d/b.obj", "d\xff/c.obj")
	for _, command := range []string{"generate", "tokenize"} {
		code, said, errs := morton(command, "quads", "--input", "*.obj", "--input", "*.nothing", "--input", "d", "--input", "d?*/*.obj",
			"--out", command, "--model", t.Name(), "--json")
		var s report.Summary
		if err := json.Unmarshal([]byte(said), &s); err != nil {
			t.Fatal(err)
		}
		if code != exitFailed || s.Done != 1 || s.Failed != 4 {
			t.Fatalf("%s: exit %d, %+v\n%s", command, code, s, errs)
		}
		done, failed := rows(t, command)
		if _, ok := done["a"]; !ok {
			t.Errorf("%s: %v", command, done)
		}
		for input, kind := range map[string]string{`caf\xe9.obj`: "bad_name", "*.nothing": "no_match", "d": "not_a_file", `d\xff/c.obj`: "bad_name"} {
			if failed[input] != kind {
				t.Errorf("%s: %s is %q, want %q", command, input, failed[input], kind)
			}
		}
	}
	text, err := os.ReadFile("generate/failures.jsonl")
	if err != nil || !bytes.Contains(text, []byte(`d is a folder; its files are --input 'd/*.obj'`)) {
		t.Errorf("what to type is not in %s", text)
	}
}

// TestOneFileOnce spells one file in five ways.
func TestOneFileOnce(t *testing.T) {
	withMirror(t)
	inputs(t, "a.obj")
	abs, err := filepath.Abs("a.obj")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a.obj", "link.obj"); err != nil {
		t.Fatal(err)
	}
	if err := os.Link("a.obj", "hard.obj"); err != nil {
		t.Fatal(err)
	}
	code, said, errs := morton("tokenize", "quads", "a.obj", "./a.obj", abs, "*.obj", "--out", "out", "--model", t.Name())
	if code != exitDone || !strings.HasPrefix(said, "1 done, 0 failed") || !strings.Contains(errs, "5 names left out") {
		t.Fatalf("exit %d\n%s%s", code, said, errs)
	}
}

// TestResultsAreNoInputs runs a pattern twice that matches the results from the second
// time on. A result that the user changed is an input, whose place no result may take.
func TestResultsAreNoInputs(t *testing.T) {
	inputs(t, "in/a.obj", "in/b.obj")
	args := []string{"remesh", "--input", "**/*.*", "--depth", "3", "--out", "out"}
	if code, said, errs := morton(args...); code != exitDone || strings.Contains(errs, "left out") {
		t.Fatalf("exit %d\n%s%s", code, said, errs)
	}
	before, _ := rows(t, "out")
	write(t, "in/c.obj", read(t, "in/a.obj"))
	code, said, errs := morton(args...)
	if code != exitDone || !strings.HasPrefix(said, "3 done (2 by an earlier run), 0 failed") || !strings.Contains(errs, "files left out: made by earlier runs into out") {
		t.Fatalf("again: exit %d\n%s%s", code, said, errs)
	}
	after, _ := rows(t, "out")
	if len(after) != 3 || after["a"].Output != before["a"].Output {
		t.Errorf("%v, before %v", after, before)
	}
	code, _, errs = morton("remesh", "out/remesh/a.obj", "--depth", "3", "--out", "out")
	if code != exitUsage || !strings.Contains(errs, "nothing to do") {
		t.Errorf("a result alone: exit %d\n%s", code, errs)
	}
	write(t, "out/remesh/a.obj", read(t, "in/a.obj"))
	code, _, errs = morton(args...)
	if code != exitUsage || !strings.Contains(errs, "would take the place of the input") {
		t.Errorf("a changed result: exit %d\n%s", code, errs)
	}
}

// Detokenize gives the same mesh for all samples.
func (mirror) Detokenize(_ context.Context, s shard.Sample) (*family.Result, error) {
	return &family.Result{Media: family.Media{Mesh: mesh.Cube()}, Sample: s}, nil
}

// TestDetokenizeKind takes the kind as a word, and shards by several spellings.
func TestDetokenizeKind(t *testing.T) {
	withMirror(t)
	inputs(t)
	for i, kind := range []string{shard.KindQuad, shard.KindCube} {
		s := shard.Sample{ID: "日本", Kind: kind, Grid: []int32{1}, Tokens: []int64{int64(i)}}
		if err := report.WriteSample(filepath.Join("shards", kind+".parquet"), s); err != nil {
			t.Fatal(err)
		}
	}
	code, said, errs := morton("detokenize", "quads", "--input", "shards", "--input", "shards/*.parquet", "--out", "out", "--model", t.Name())
	if code != exitDone || !strings.HasPrefix(said, "1 done, 0 failed") || !strings.Contains(errs, "samples of other kinds are left out: video 1") {
		t.Fatalf("exit %d\n%s%s", code, said, errs)
	}
	if done, _ := rows(t, "out"); done["日本"].Family != "quads" {
		t.Errorf("%+v", done)
	}
	code, _, errs = morton("detokenize", "shape", "--input", "shards", "--out", "out", "--model", t.Name())
	if code != exitUsage || !strings.Contains(errs, "no samples of shape, but quads 1, video 1") {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	code, said, errs = morton("detokenize", "quads", "--input", "shards/quad.parquet", "--input", "more/*.parquet", "--out", "two", "--model", t.Name())
	if _, failed := rows(t, "two"); code != exitFailed || failed["more/*.parquet"] != "no_match" {
		t.Fatalf("exit %d, failures %v\n%s%s", code, failed, said, errs)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// mistakenFiles writes what the command lines name: a few inputs, and bad manifests.
func mistakenFiles(t *testing.T) {
	t.Helper()
	inputs(t, "a.obj", "clips/b.obj", "clips/deeper/c.obj")
	write(t, "frames0.jsonl", `{"id":"a","input":"a.obj","frames":0}`)
	write(t, "prefix0.jsonl", "\n"+`{"id":"a","input":"a.obj","prefix":0}`)
	write(t, "faces0.jsonl", `{"input":"a.obj","faces":0}`)
	write(t, "foreign.jsonl", `{"input":"a.obj","frames":8}`)
	write(t, "typo.jsonl", `{"input":"a.obj","fases":10}`)
	write(t, "noinput.jsonl", `{"id":"a"}`)
	write(t, "blank.jsonl", "\n\n")
	write(t, "list.jsonl", `[{"id":"a"}]`)
	write(t, "twice.jsonl", `{"id":"a","input":"a.obj"}`+"\n"+`{"id":"A","input":"a.obj"}`)
	if err := errors.Join(os.Mkdir("empty", 0o755), os.Symlink("nowhere", "dangling")); err != nil {
		t.Fatal(err)
	}
}
