package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video/isolated"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/jobs/worker"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

func TestMain(m *testing.M) {
	isolated.Enable()
	switch port := os.Getenv(prismPort); {
	case worker.Is(os.Args[1:]), worker.IsBoot(os.Args[1:]):
		family.Register(request.Quads, openNoting)
		main()
	case os.Getenv(killsChild) != "":
		family.Register(request.Quads, func(func() (*gpu.Device, error), family.Spec) (family.Model, error) { return mirror{}, nil })
		main()
	case port != "":
		servePrism(port)
	case os.Getenv(launcher) != "":
		os.Unsetenv(launcher) // workers have the environment of whoever starts them
		main()
	case len(os.Args) > 1 && slices.Contains([]string{"devices", "tokenize", "detokenize"}, os.Args[1]): // in a process of their own
		main()
	}
	family.OpenDevice = gputest.Share
	beam.Init()
	os.Exit(m.Run())
}

// mirror is a model of the tests: what it generates is its input.
type mirror struct{ family.Model }

func (mirror) Name() string { return "mirror" }
func (mirror) Close()       {}

func (mirror) Decode(_ context.Context, r request.Request) (family.Media, error) {
	m, _, err := meshfile.Read(r.Input, meshfile.Options{})
	return family.Media{Mesh: m}, err
}

func (mirror) Tokenize(_ context.Context, r request.Request, _ family.Media) (shard.Sample, family.Measures, error) {
	return shard.Sample{ID: r.ID, Kind: shard.KindQuad, Grid: []int32{1}, Tokens: []int64{int64(r.Seed)}}, nil, nil
}

func (m mirror) Generate(ctx context.Context, r request.Request, in family.Media) (*family.Result, error) {
	s, _, err := m.Tokenize(ctx, r, in)
	return &family.Result{Media: in, Sample: s, Tokens: 1}, err
}

// withMirror makes the mirror the model of quads for one test. A spec with its own
// folder keeps tests apart.
func withMirror(t *testing.T) {
	t.Helper()
	withQuads(t, func(func() (*gpu.Device, error), family.Spec) (family.Model, error) { return mirror{}, nil })
}

// withQuads opens models of quads in a way of its own for one test.
func withQuads(t *testing.T, open family.Opener) {
	t.Helper()
	before := family.Registered(request.Quads)
	t.Cleanup(func() { family.Register(request.Quads, before) })
	family.Register(request.Quads, open)
}

func morton(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(context.Background(), args, &o, &e)
	return code, o.String(), e.String()
}

func TestWrongUseIsOneLineAndExit2(t *testing.T) {
	withMirror(t)
	for _, c := range []struct{ args, want string }{
		{"", "no command"},
		{"genrate", "did you mean generate?"},
		{"generate", "video, image, shape, quads, rig"},
		{"generate vidoe", "did you mean video?"},
		{"generate quads --input a.obj", "--out"},
		{"generate quads --out o", "--input or --manifest"},
		{"generate quads --out o --input a.obj --faecs 3", "did you mean --faces?"},
		{"generate quads --out o --input a.obj --faces many", "--faces"},
		{"generate quads --out o --input a.obj --faces 0", "at least 1"},
		{"generate quads --out o --input a.obj --out", "--out needs a value"},
		{"generate quads --out o --input a.obj --frames 3", "unknown flag --frames"},
		{"generate quads --out o --input *.nothing", "no file matches"},
		{"generate quads --out o --manifest nothing.jsonl", "no such file"},
		{"generate quads --out o --manifest a --input b", "not both"},
		{"generate quads --out o --input a.obj --top-p 2", "top-p"},
		{"generate quads --out o --input a.obj --runner flink", "--endpoint"},
		{"generate quads --out o --input a.obj --runner universal --endpoint localhost:1", "nobody answers"},
		{"generate quads --out o --input a.obj --max-failed some", "such as 12"},
		{"generate quads --out o --input a.obj --runner dataflow --project p", "--region, --staging_location"},
		{"generate quads --out o --input a.obj --runner ray", `no runner "ray"`},
		{"generate shape --out o --manifest m.jsonl --count 3", "--count is not for --manifest"},
		{"generate video --out o --manifest m.jsonl --every 3s", "--every is not for --manifest"},
		{"generate video --out o --input a.mp4 --every 0", "at least a millisecond"},
		{"generate video --out o --input a.mp4 --every -1s", "at least a millisecond"},
		{"generate video --out o --input a.mp4 --prefix 3", "at least 4, one cube of the model"},
		{"generate video --out o --input a.mp4 --start soon", "1m30s"},
		{"generate video --out o --input a.mp4 --start -5", "start"},
		{"generate video --out o --input a.mp4 --fit squeeze", "crop or letterbox"},
		{"generate image --out o --class 1", "--model is required, a folder or file: no image model is shipped, and docs/how-to/checkpoints.md tells"},
		{"generate image --out o --model m", "--class, --text or --manifest is required"},
		{"generate image --out o --model m --class 1 --text a", "not both"},
		{"generate image --out o --model m --class 1 --input a.png", "not from --input"},
		{"generate image --out o --model m --class -1", "class -1 is negative"},
		{"generate image --out o --model m --class 1 --count 0", "--count is 1 to"},
		{"generate image --out o --model m --class 1 --guidance 101", "guidance 101"},
		{"generate image --out o --model m --class 1", "--model m: "},
		{"generate image --out o --model main.go --class 1", "--model main.go: "},
		{"generate rig --out o --input a.glb", "no rig model is shipped, and docs/how-to/checkpoints.md tells where to begin"},
		{"tokenize rig --out o --input a.glb", "no rig model is shipped, and docs/how-to/checkpoints.md"},
		{"status --out missing/folder", "status: --out missing/folder: "},
		{"tokenize image --out o --input a.png", "--model is required, a folder or file: no image model is shipped, and docs/how-to/checkpoints.md tells"},
		{"inspect main.go --precision f8", "--precision is one of"},
		{"generate shape --out o --input a.obj --fit crop", "unknown flag --fit"},
		{"tokenize quads --out o", "--input"},
		{"tokenize quads --out o --input a.obj --shards 100000", "shards"},
		{"detokenize --out o --input nothing/*.parquet", "no file matches: nothing/*.parquet"},
		{"detokenize --out o --input help", "no .parquet file in help"},
		{"train --system quad", "--tokens"},
		{"train --system qaud --tokens a --heldout b --out c", "did you mean quad?"},
		{"train --system quad --tokens a --heldout b --out c --precision int8", "--precision is one of"},
		{"train --system tokenizer --tokens a --heldout b --out c --precision bf16", "trains in f32"},
		{"remesh --out o", "--input or --manifest"},
		{"remesh a.obj --out o --faces 0", "--faces is at least 1"},
		{"remesh a.obj --out o --faces 3", "3 faces, want 4 to"},
		{"remesh a.obj --out o --depth 11", "depth"},
		{"remesh a.obj --out o --face 80", "did you mean --faces?"},
		{"remesh a.obj --out o --model m", "unknown flag --model"},
		{"convert", "give a file"},
		{"convert a.obj", "--to says the format"},
		{"convert a.obj b.mp4", "the name of a mesh to write"},
		{"convert a.obj b.obj --to obj", "--out the folder"},
		{"convert a.obj --to mp4 --out o", "it is one of"},
		{"compare a.obj", "two folders, not 1"},
		{"compare a.obj b.obj --samples 0", "--samples is at least 1"},
		{"compare a.obj b.obj --threshold 0", "threshold 0"},
		{"compare a.obj b.obj --threshold some", "such as 0.01"},
		{"inspect", "one file"},
		{"devices now", "now"},
		{"help nothing", "nothing"},
	} {
		code, out, errs := morton(strings.Fields(c.args)...)
		if code != exitUsage || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("morton %s: exit %d, %q, want 2 and one line with %q", c.args, code, errs, c.want)
		}
		resetRunner(t)
	}
	if _, err := os.Stat("o"); err == nil {
		t.Error("wrong use made a folder")
	}
}

// resetRunner undoes what a command line did to Beam's global flags.
func resetRunner(t *testing.T) {
	t.Helper()
	for _, name := range []string{"runner", "project", "region", "staging_location", "sdk_container_image", "endpoint", "environment_type", "environment_config", "worker_binary", "job_name", "template_location", "labels", "dataflow_endpoint", "temp_location", "autoscaling_algorithm", "flexrs_goal"} {
		if err := flag.Set(name, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"async", "dry_run"} {
		if err := flag.Set(name, "false"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGenerateRun goes through a run's exit codes: all done, some failed, done
// before; and through the marks it leaves.
func TestGenerateRun(t *testing.T) {
	withMirror(t)
	out := t.TempDir()
	good := "../../testdata/mesh/cc-0_box.obj"
	code, text, errs := morton("generate", "quads", good, "--out", out, "--seed", "5", "--model", t.Name())
	if code != exitDone || !strings.Contains(text, "1 done, 0 failed") || !strings.Contains(errs, "[1/1] cc-0_box") {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	code, text, errs = morton("generate", "quads", "--input", good, "--input", "missing.obj", "--out", out, "--seed", "5", "--model", t.Name(), "--json")
	var s report.Summary
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if code != exitFailed || s.Done != 1 || s.Skipped != 1 || s.Failed != 1 || s.Kinds["not_found"] != 1 {
		t.Fatalf("exit %d, %+v\n%s", code, s, errs)
	}
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, []byte("morton generate quads --input ../../testdata")) {
		t.Error("the page lacks the command")
	}
	code, text, _ = morton("generate", "quads", "--manifest", filepath.Join(out, "quads", "requests.jsonl"), "--out", t.TempDir(), "--model", t.Name())
	if code != exitFailed || !strings.Contains(text, "1 done, 1 failed") {
		t.Fatalf("the run's own manifest: exit %d\n%s", code, text)
	}
}

// TestPlacesAreWrongUse checks that a run which cannot or must not write where it
// is told is wrong use, said in one line before any model is opened.
func TestPlacesAreWrongUse(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for path, text := range map[string]string{
		"u/video/x.mp4": "a clip", "u/shape/x.glb": "a mesh", "s/index.html": "my page", "d/x.parquet": "tokens", "d/tokens/x.parquet": "tokens", "file": "",
		"u/image/image-1.png": "features",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("one.jsonl", []byte(`{"id":"x","input":"u/shape/x.glb"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"generate video --input u/video/*.mp4 --out u", "u/video/x.mp4 would take the place of the input u/video/x.mp4"},
		{"generate video --input u/video/*.mp4 --out u --overwrite", "would take the place of the input"},
		{"generate shape --manifest one.jsonl --out ./u/../u", "would take the place of the input"},
		{"generate image --model m --text u/image/image-1.png#cat --overwrite --out u", "would take the place of the input u/image/image-1.png"},
		{"generate shape --count 2 --out s", "s/index.html is there, and no run of morton made it"},
		{"generate shape --count 2 --out file", "file: not a folder"},
		{"generate shape --count 2 --out file/below", "not a directory"},
	} {
		code, out, errs := morton(strings.Fields(c.args)...)
		if code != exitUsage || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("morton %s: exit %d, %q, want 2 and one line with %q", c.args, code, errs, c.want)
		}
		resetRunner(t)
	}
	for path, want := range map[string]string{"u/video/x.mp4": "a clip", "u/shape/x.glb": "a mesh", "s/index.html": "my page"} {
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("%s holds %q, error %v", path, text, err)
		}
	}
	for folder, n := range map[string]int{".": 5, "u": 3, "u/video": 1, "u/image": 1, "s": 1} {
		if entries, err := os.ReadDir(folder); err != nil || len(entries) != n {
			t.Errorf("%s holds %v, error %v", folder, entries, err)
		}
	}
}

// TestWidthNobodyHas asks the shipped model's device for a width, and for one it lacks.
func TestWidthNobodyHas(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	if dev.Info().SubgroupMax > 32 {
		t.Skip("the device has every width")
	}
	code, _, errs := morton("tokenize", "shape", "../../testdata/mesh/cc-0_box.obj", "--out", t.TempDir(), "--subgroup", "64")
	if code != exitFailed || !strings.Contains(errs, "subgroup width 64") || strings.Count(errs, "\n") != 1 {
		t.Errorf("exit %d, %q", code, errs)
	}
}

// TestTooManyFailedRun checks the message and the exit code.
func TestTooManyFailedRun(t *testing.T) {
	withMirror(t)
	code, text, errs := morton("generate", "quads", "missing.obj", "../../testdata/mesh/cc-0_box.obj", "other.obj", "--out", t.TempDir(),
		"--model", t.Name(), "--max-failed", "0", "--in-flight", "1")
	want := "\nmorton: too many inputs failed: 1 of 1, where 0 may; 2 more not begun\n"
	if code != exitFailed || !strings.Contains(text, "0 done, 1 failed, 2 not begun") || !strings.HasSuffix(errs, want) {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
}

func TestInterrupted(t *testing.T) {
	withMirror(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	code := run(ctx, []string{"generate", "quads", "../../testdata/mesh/cc-0_box.obj", "--out", t.TempDir(), "--model", t.Name()}, &out, &errs)
	if code != exitInterrupted || !strings.Contains(errs.String(), "interrupted") {
		t.Fatalf("exit %d\n%s", code, errs.String())
	}
}

func TestTokenizeRun(t *testing.T) {
	withMirror(t)
	out := t.TempDir()
	code, _, errs := morton("tokenize", "quads", "--input", "../../testdata/mesh/cc-0_*.obj", "--out", out, "--model", t.Name())
	if code != exitDone {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	code, text, _ := morton("inspect", out)
	if code != exitDone || !regexp.MustCompile(`samples +11`).MatchString(text) {
		t.Fatalf("exit %d\n%s", code, text)
	}
}

func TestInspect(t *testing.T) {
	for path, want := range map[string]string{
		"../../testdata/mesh/scopia_bowl.obj":              "\"quads\": 1184,",
		"../../testdata/mesh/generic_hand_left.glb":        `"kind": "glTF mesh"`,
		"../../testdata/video/plant_320x240_30fps_36f.mp4": "\"frames\": 36,",
	} {
		code, out, errs := morton("inspect", path, "--json")
		if code != exitDone || !strings.Contains(out, want) || !json.Valid([]byte(out)) {
			t.Errorf("inspect %s: exit %d, lacks %s\n%s%s", path, code, want, out, errs)
		}
	}
	for _, path := range []string{"main.go", "help", "missing"} {
		if code, out, errs := morton("inspect", path); code != exitFailed || strings.Count(errs, "\n") != 1 {
			t.Errorf("inspect %s: exit %d\n%s%s", path, code, out, errs)
		}
	}
}

// commandsOf lists a command with all below it.
func commandsOf(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, k := range c.Commands() {
		all = append(all, commandsOf(k)...)
	}
	return all
}

// TestHelpNamesEveryFlag holds the texts to the flags, both ways.
func TestHelpNamesEveryFlag(t *testing.T) {
	beams := map[string]bool{}
	for _, f := range beamFlags() {
		beams[f.Name] = f.Name != "runner"
	}
	named := regexp.MustCompile(`--([a-z][a-z_-]*)`)
	seen := 0
	for _, c := range commandsOf(newRoot(terminal{})) {
		path := strings.Fields(c.CommandPath())[1:]
		code, text, errs := morton(append([]string{"help"}, path...)...)
		if code != exitDone || len(text) < 40 {
			t.Errorf("help %v: exit %d, %q, %q", path, code, text, errs)
		}
		words, known := map[string]bool{}, map[string]bool{"help": true}
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			words[m[1]] = true
		}
		c.InheritedFlags() // merges them
		check := func(f *pflag.Flag) {
			seen++
			known[f.Name] = true
			if !words[f.Name] && (!beams[f.Name] || c.Name() == "beam") {
				t.Errorf("help %v does not name --%s", path, f.Name)
			}
			if f.Usage == "" {
				t.Errorf("%v: --%s is not explained", path, f.Name)
			}
		}
		c.Flags().VisitAll(check)
		for _, k := range c.Commands() {
			if len(path) > 0 { // a kind, whose own flags stand in its command's help too
				k.Flags().VisitAll(check)
			}
		}
		for word := range words {
			if len(path) > 0 && !known[word] && !aliens[c.Name()+" --"+word] {
				t.Errorf("help %v names --%s, which is no flag", path, word)
			}
		}
	}
	if seen < 500 {
		t.Errorf("looked at %d flags", seen)
	}
}

// aliens are flags of other commands that a text speaks of.
var aliens = map[string]bool{
	"beam --input": true, "beam --model": true, "beam --out": true, "beam --detach": true,
	"wait --runner": true, "wait --detach": true, "worker-pool --environment_type": true, "worker-pool --environment_config": true,
}

// TestEveryHelpTextIsUsed finds texts of commands that are gone.
func TestEveryHelpTextIsUsed(t *testing.T) {
	used := map[string]bool{"morton.txt": true, "help.txt": true}
	for _, c := range commandsOf(newRoot(terminal{})) {
		used[strings.Join(strings.Fields(c.CommandPath())[1:], "_")+".txt"] = true
	}
	files, err := helpTexts.ReadDir("help")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !used[f.Name()] {
			t.Errorf("help/%s is nobody's", f.Name())
		}
	}
}

// TestHelpSpellings are the ways to ask for help and for the version.
func TestHelpSpellings(t *testing.T) {
	_, generate, _ := morton("help", "generate")
	_, quads, _ := morton("help", "generate", "quads")
	_, version, _ := morton("version")
	_, all, _ := morton("help")
	for line, want := range map[string]string{
		"-h": all, "-help": all, "--help": all, "help -h": "morton help [COMMAND]", "generate -h": generate, "generate --help": generate, "generate -help": generate,
		"generate quads --help": quads, "generate quads a.obj --out o -h": quads, "-version": version, "--version": version,
	} {
		if code, text, errs := morton(strings.Fields(line)...); code != exitDone || !strings.HasPrefix(text, want) || want == "" || errs != "" {
			t.Errorf("morton %s: exit %d, %q%s, want %q", line, code, text, errs, want)
		}
	}
}

// TestFlagsAnywhere puts flags before the kind, after inputs, with one dash or two.
func TestFlagsAnywhere(t *testing.T) {
	withMirror(t)
	for i, line := range []string{
		"generate --json quads BOX --out OUT --model M", "generate -json -out OUT quads -model=M BOX", "generate quads -v=false BOX --json=true -seed 4 --out=OUT -model M",
		"generate --out OUT --model M --json quads -- BOX", "generate quads --out OUT -model M -json -runner direct BOX",
	} {
		line = strings.NewReplacer("OUT", filepath.Join(t.TempDir(), strconv.Itoa(i)), "BOX", box, "M", t.Name()).Replace(line)
		code, text, errs := morton(strings.Fields(line)...)
		var s report.Summary
		if err := json.Unmarshal([]byte(text), &s); err != nil || code != exitDone || s.Done != 1 {
			t.Errorf("morton %s: exit %d, %+v, error %v\n%s", line, code, s, err, errs)
		}
		resetRunner(t)
	}
}

// TestValuesKeepTheirDash: a word that is a flag's value is not taken for a flag.
func TestValuesKeepTheirDash(t *testing.T) {
	args, err := twoDashes(newRoot(terminal{}), strings.Fields("generate quads --manifest -seed -out -json -v -- -seed"))
	want := strings.Fields("generate quads --manifest -seed --out -json -v -- -seed")
	if err != nil || !slices.Equal(args, want) {
		t.Errorf("%v, error %v, want %v", args, err, want)
	}
}

// TestCompletion asks as the shells' scripts do, and makes these.
func TestCompletion(t *testing.T) {
	for line, want := range map[string]string{
		"generate": "video\tcontinue clips\nimage\tgenerate images of a class or a text with a published checkpoint\nshape\trefine", "generate quads --precision": "f32\nf16", "generate image --model": "safetensors\npt\npth\nckpt\nbin\n:8", "tokenize shape --out": ":16",
		"tokenize video --fit": "crop\nletterbox", "generate shape --mesh-limit": "bytes=", "remesh --manifest": "jsonl\n:8", "convert --to": "obj\nglb",
		"train --system": "cube\noctree\nquad\ntokenizer", "detokenize": "video", "help": "generate\tcontinue", "help tokenize": "video", "generate quads --runner": "direct\nprism",
		"devices --subgroup": "auto\n4", "generate quads --device": "auto", "generate quads --method": "auto\nmodel\nsurface", "tokenize quads --coding": "quads\nbpt\ndeepmesh",
	} {
		if code, text, _ := morton(append(append([]string{"__complete"}, strings.Fields(line)...), "")...); code != exitDone || !strings.Contains(text, want) {
			t.Errorf("after morton %s: exit %d, %q, want %q", line, code, text, want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, text, _ := morton("completion", shell); code != exitDone || !strings.Contains(text, "__complete") || !strings.Contains(text, "morton") {
			t.Errorf("completion %s: exit %d, %q", shell, code, text[:min(len(text), 200)])
		}
	}
}

// parse reads flags and inputs as the command of o does.
func (o *options) parse(words []string) error {
	if err := o.flags.Parse(words); err != nil {
		return err
	}
	return o.check(o.flags.Args())
}

// TestBeamsFlagsPass checks that a command line reaches Beam's own flags, and that
// none of ours hides one of Beam's.
func TestBeamsFlagsPass(t *testing.T) {
	bare := newOptions("generate", "")
	bare.addModel()
	for _, f := range beamFlags() {
		if bare.flags.Lookup(f.Name) != nil {
			t.Errorf("--%s is Beam's and ours", f.Name)
		}
	}
	for _, f := range []*pflag.FlagSet{newGenerateFlags().flags, newTokenizeFlags().flags, newRemeshFlags().flags} {
		for _, g := range beamFlags() {
			if _, ok := f.Lookup(g.Name).Value.(beamFlag); !ok {
				t.Errorf("--%s is not Beam's", g.Name)
			}
		}
	}
	o := newGenerateFlags()
	if err := o.parse([]string{"--out", "o", "--project", "p", "a.obj"}); err != nil {
		t.Fatal(err)
	}
	defer resetRunner(t)
	if got := flag.Lookup("project").Value.String(); got != "p" || o.input[0] != "a.obj" {
		t.Fatalf("Beam's project is %q, input %v", got, o.input)
	}
}

func TestFirstLine(t *testing.T) {
	for text, want := range map[string]string{
		"one":              "one",
		"  one\ttwo\nmore": "one two",
		"run failed: \tconnecting\n\tcaused by:\nmore\n\tcaused by:\nrpc error: no\n": "run failed: connecting: rpc error: no",
	} {
		if got := firstLine(text); got != want {
			t.Errorf("firstLine(%q) = %q, want %q", text, got, want)
		}
	}
}
