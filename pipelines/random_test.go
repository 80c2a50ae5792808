package pipelines

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

var (
	randomRuns = flag.Int("runs", defaultRuns(), "sequences of TestRandomRuns")
	randomSeed = flag.Uint64("runseed", 1, "of the first sequence of TestRandomRuns")
)

// randomChild is set in a process that is there to be killed.
const randomChild = "MORTON_RANDOM_CHILD"

// small is a model of clips of two tiny frames, made from the input's bytes.
type small struct{ family.Model }

func (small) Name() string { return "small" }
func (small) Close()       {}

func (small) Decode(_ context.Context, r request.Request) (family.Media, error) {
	data, err := os.ReadFile(r.Input)
	if err != nil {
		return family.Media{}, err
	}
	c := clip.New(2, 16, 16, clip.Rate{Num: 8, Den: 1})
	for i := range c.Pix {
		c.Pix[i] = data[i%len(data)]
	}
	return family.Media{Clip: c}, nil
}

func (small) Tokenize(_ context.Context, r request.Request, m family.Media) (shard.Sample, family.Measures, error) {
	h := fnv.New64a()
	fmt.Fprint(h, r.ID, r.Seed)
	h.Write(m.Clip.Pix)
	return shard.Sample{ID: r.ID, Kind: shard.KindCube, Grid: []int32{1}, Tokens: []int64{int64(h.Sum64() >> 1)}}, nil, nil
}

func (s small) Generate(ctx context.Context, r request.Request, m family.Media) (*family.Result, error) {
	sample, _, err := s.Tokenize(ctx, r, m)
	for i := range m.Clip.Pix {
		m.Clip.Pix[i] += byte(r.Seed) * 40
	}
	return &family.Result{Media: m, Sample: sample, Tokens: 1}, err
}

// command is one run of a sequence.
type command struct {
	Out       string
	Inputs    []string
	Action    string
	Seed      uint64
	Overwrite bool
}

func (c command) run() (report.Summary, error) {
	requests, err := request.FromPaths(c.Inputs, request.Request{Family: request.Video, Seed: c.Seed})
	if err != nil {
		return report.Summary{}, err
	}
	j := Job{Requests: requests}
	j.Settings.Spec, j.Settings.Out, j.Settings.Overwrite = family.Spec{Family: request.Video, Dir: "random"}, c.Out, c.Overwrite
	if c.Action == report.Tokenize {
		return Tokenize(context.Background(), j)
	}
	return Generate(context.Background(), j)
}

// TestRandomRuns runs sequences of commands into a folder that a user has files in,
// and holds what is there after each to a model: no file of the user's changes, no
// result of another input does, nothing stays half-made, and what failed has a
// reason.
func TestRandomRuns(t *testing.T) {
	useModel(t, request.Video, small{})
	if text := os.Getenv(randomChild); text != "" {
		var c command
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		fmt.Println("begun")
		c.run()
		return
	}
	dir, mounted := mount(t, "size=24m")
	if !mounted {
		dir = t.TempDir() // and no sequence has a full or read-only disk
	}
	counts := map[string]int{}
	for i := range *randomRuns {
		w := &world{
			T: t, root: filepath.Join(dir, fmt.Sprint(i)), disk: dir, mounted: mounted, counts: counts,
			random: rand.New(rand.NewPCG(*randomSeed, uint64(i))), mine: map[string]string{},
		}
		w.out = filepath.Join(w.root, "out")
		w.sequence()
		if t.Failed() {
			t.Fatalf("sequence %d (-runseed %d):\n%s", i, *randomSeed, strings.Join(w.log, "\n"))
		}
		if err := os.RemoveAll(w.root); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d sequences: %v", *randomRuns, counts)
}

// world is one sequence's folder and what must be in it.
type world struct {
	*testing.T
	root, out, disk string
	mounted         bool
	random          *rand.Rand
	mine            map[string]string // the user's files and links -> contents
	killed          bool              // since the last run that came to its end
	log             []string
	counts          map[string]int
}

func (w *world) say(format string, args ...any) {
	w.log = append(w.log, strings.ReplaceAll(fmt.Sprintf(format, args...), w.root, "."))
}

func (w *world) one(of ...string) string { return of[w.random.IntN(len(of))] }

// sequence lays out the user's files and takes some steps.
func (w *world) sequence() {
	for _, name := range []string{"in/a.mp4", "in/b.mp4", "d1/a.mp4", "d2/a.mp4"} {
		w.add(name)
	}
	if w.random.IntN(8) == 0 { // results go where the inputs are
		if err := errors.Join(os.MkdirAll(w.out, 0o755), os.Symlink("../d2", filepath.Join(w.out, "video"))); err != nil {
			w.Fatal(err)
		}
		w.say("link out/video to d2")
	}
	for range 3 + w.random.IntN(5) {
		switch w.random.IntN(10) {
		case 0:
			w.add(w.one("out/video/a.mp4", "out/video/b.mp4", "out/video/b.png", "out/video/done/a.json", "out/video/done/b.parquet", "out/index.html", "out/results.jsonl", "out/c.mp4", "out/video-0000-of-0001.parquet", "out/video/tokens.parquet", "in/c.mp4"))
		case 1:
			w.link()
		case 2:
			w.spoil()
		default:
			w.step()
		}
		if w.Failed() {
			return
		}
	}
	w.finish()
}

// add writes a file of the user's where there is none.
func (w *world) add(name string) {
	path := filepath.Join(w.root, name)
	if _, err := os.Lstat(path); err == nil {
		return
	}
	text := fmt.Sprintf("mine %s %d", name, w.random.Uint32())
	w.say("add %s", name)
	w.mine[path] = text
	put(w.T, path, text)
}

// link gives an input a second name, perhaps at the place of a result.
func (w *world) link() {
	from, to := filepath.Join(w.root, w.one("in/a.mp4", "d1/a.mp4")), filepath.Join(w.root, w.one("in/l.mp4", "d2/l.mp4", "out/video/a.mp4", "out/video/b.mp4"))
	if _, err := os.Lstat(to); err == nil {
		return
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		w.Fatal(err)
	}
	how := os.Link
	if w.random.IntN(2) == 0 {
		how = os.Symlink
	}
	if err := how(from, to); err != nil {
		w.Fatal(err)
	}
	w.mine[to] = w.mine[from]
	w.say("link %s to %s", to, from)
}

// spoil changes a result: the user edits it, removes it, or a disk loses its end.
func (w *world) spoil() {
	results := w.results()
	if len(results) == 0 {
		return
	}
	m := results[slices.SortedFunc(maps.Keys(results), func(a, b owner) int { return strings.Compare(a.action+a.source, b.action+b.source) })[w.random.IntN(len(results))]]
	path := filepath.Join(w.out, m.Files[w.random.IntN(len(m.Files))].Path)
	switch w.random.IntN(3) {
	case 0:
		w.say("remove %s", path)
		os.Remove(path)
	case 1:
		w.say("cut %s", path)
		os.Truncate(path, 10)
	default:
		w.say("edit %s", path)
		w.mine[path] = "edited"
		put(w.T, path, "edited")
	}
}

// results returns what is whole in the folder.
func (w *world) results() map[owner]report.Marker {
	markers, err := report.Markers(w.out, request.Video)
	if err != nil {
		w.Fatal(err)
	}
	all, ids := map[owner]report.Marker{}, map[string]bool{}
	for _, m := range markers {
		if ids[m.Result.ID] {
			w.Errorf("the id %s twice", m.Result.ID)
		}
		ids[m.Result.ID] = true
		if m.Whole() && m.Files.Whole(w.out) {
			all[owner{m.Result.Action, m.Source}] = m
		}
	}
	return all
}

// command returns a random one.
func (w *world) command() command {
	c := command{Out: w.out, Action: w.one(report.Generate, report.Generate, report.Generate, report.Tokenize), Seed: 1 + w.random.Uint64N(2), Overwrite: w.random.IntN(10) == 0}
	names := []string{"in/a.mp4", "in/b.mp4", "d1/a.mp4", "d2/a.mp4", "in/l.mp4", "d2/l.mp4", "missing.mp4", "out/c.mp4", "in/c.mp4", "out/video/a.mp4", "out/video/b.mp4"}
	w.random.Shuffle(8, func(i, j int) { names[i], names[j] = names[j], names[i] })
	if w.random.IntN(6) == 0 { // perhaps a result's place
		names = names[7:]
	}
	for _, name := range names[:1+w.random.IntN(3)] {
		c.Inputs = append(c.Inputs, filepath.Join(w.root, name))
	}
	return c
}

// step runs a command, in one of the ways in which runs go, and checks.
func (w *world) step() {
	c := w.command()
	runs := []command{c}
	ways := []string{"run", "run", "run", "kill", "pair"}
	if w.mounted {
		ways = append(ways, "full", "read-only")
	}
	way := w.one(ways...)
	w.say("%s %+v", way, c)
	w.counts[way]++
	old, before := w.results(), tree(w.T, w.root)
	var s report.Summary
	var err error
	switch way {
	case "run":
		s, err = c.run()
	case "kill":
		w.kill(c)
	case "pair":
		other := w.command()
		other.Overwrite = c.Overwrite
		w.say("  beside %+v", other)
		var wait sync.WaitGroup
		wait.Go(func() { other.run() })
		s, err = c.run()
		wait.Wait()
		runs = append(runs, other)
	case "full":
		filler := filepath.Join(w.disk, "filler")
		fillDisk(w.T, filler)
		os.Truncate(filler, max(0, sizeOf(filler)-int64(w.random.IntN(12)*4096)))
		s, err = c.run()
		os.Remove(filler)
	case "read-only":
		remount(w.T, w.disk, true)
		s, err = c.run()
		remount(w.T, w.disk, false)
		if err == nil {
			w.Error("a run onto a read-only disk succeeded")
		}
	}
	w.killed = way == "kill" || w.killed && err != nil
	w.check(way, runs, old, before, s, err)
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// kill runs a command in a process of its own and kills it in the middle.
func (w *world) kill(c command) {
	text, err := json.Marshal(c)
	if err != nil {
		w.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		w.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestRandomRuns$")
	cmd.Env = append(os.Environ(), randomChild+"="+string(text))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		w.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "begun\n" {
		w.Fatalf("the child said %q: %v", line, err)
	}
	time.Sleep(time.Duration(w.random.IntN(120)) * time.Millisecond)
	cmd.Process.Signal(syscall.SIGKILL)
	io.Copy(io.Discard, lines)
	cmd.Wait()
	left := strings.Join(slices.Collect(maps.Keys(tree(w.T, w.root))), "\n")
	if strings.Contains(left, ".partial-") {
		w.counts["left by a kill"]++
	}
}

// check holds the folder to the model, after a run or two at once.
func (w *world) check(way string, runs []command, old map[owner]report.Marker, before map[string]string, s report.Summary, err error) {
	w.say("  %+v, error %v", s, err)
	if errors.Is(err, ErrOut) && way != "pair" {
		w.counts["refused"]++
		w.unchanged(before)
		return
	}
	w.checkMine(runs)
	now := w.results()
	ran := map[owner]bool{}
	for _, c := range runs {
		for _, path := range c.Inputs {
			ran[owner{report.Generate, report.Source(w.out, path)}] = true
			ran[owner{report.Tokenize, report.Source(w.out, path)}] = true
		}
	}
	for o, m := range old {
		if got, ok := now[o]; !ran[o] && !runs[0].Overwrite && (!ok || !slices.Equal(got.Files, m.Files)) {
			w.Errorf("the result of %v is lost", o)
		}
	}
	if err != nil || way == "kill" {
		if way != "kill" && way != "full" && way != "read-only" && way != "pair" {
			w.Errorf("%s: error %v", way, err)
		}
		return
	}
	if !w.killed {
		checkNoPartials(w.T, w.root)
	}
	w.checkRows(way, s, now)
}

// unchanged compares all but what killed runs have left.
func (w *world) unchanged(before map[string]string) {
	after := tree(w.T, w.root)
	for _, all := range []map[string]string{before, after} {
		maps.DeleteFunc(all, func(name, _ string) bool { return strings.Contains(name, ".partial-") })
	}
	if !maps.Equal(before, after) {
		w.Error("a refused run changed something")
	}
}

// checkMine looks for the user's files. To overwrite may replace what stands at a
// result's place, but no input of the same run.
func (w *world) checkMine(runs []command) {
	for path, want := range w.mine {
		data, err := os.ReadFile(path)
		if err == nil && string(data) == want {
			continue
		}
		may := func(c command) bool { return c.Overwrite && !slices.Contains(c.Inputs, path) }
		if !slices.ContainsFunc(runs, may) {
			w.Errorf("%s was %q and is %.40q, %v", path, want, data, err)
		}
		w.counts["overwritten"]++
		delete(w.mine, path)
	}
}

// checkRows compares the rows with what stands there, and failures with reasons.
func (w *world) checkRows(way string, s report.Summary, now map[owner]report.Marker) {
	results, err := report.ReadResults(w.out)
	if err != nil {
		w.Fatal(err)
	}
	failures, err := report.ReadFailures(w.out)
	if err != nil {
		w.Fatal(err)
	}
	listed := map[string]bool{}
	for _, r := range results {
		listed[r.ID] = true
	}
	for _, f := range failures {
		listed[f.ID] = true
	}
	for kind := range s.Kinds {
		known := kind == "not_found" || kind == "disk_full" || kind == "changed" || kind == "not_ours" && w.strange()
		if !known && way != "pair" {
			w.Errorf("failed without a reason: %s", kind)
		}
	}
	for o, m := range now {
		if o.action == report.Generate && !listed[m.Result.ID] {
			w.Errorf("the result %s of %s is not listed", m.Result.ID, o.source)
		}
	}
}

// finish runs everything once more: what killed runs left must be in nobody's way.
func (w *world) finish() {
	w.say("finish")
	for _, name := range []string{"in/a.mp4", "in/b.mp4", "d1/a.mp4"} {
		c := command{Out: w.out, Inputs: []string{filepath.Join(w.root, name)}, Action: report.Generate, Seed: 1}
		old, before := w.results(), tree(w.T, w.root)
		s, err := c.run()
		w.killed = w.killed && err != nil
		w.check("run", []command{c}, old, before, s, err)
		if err == nil && s.Done == 0 && !w.strange() {
			w.Errorf("%s: %+v with nothing in its way", name, s)
		}
	}
}

// strange reports whether the user has files where results go.
func (w *world) strange() bool {
	place := claim.Resolve(filepath.Join(w.out, "video"))
	for path := range w.mine {
		if strings.HasPrefix(claim.Resolve(filepath.Dir(path)), place) {
			return true
		}
	}
	return false
}

// defaultRuns is 300 in exhaustive tests, which `make test-all` asks for.
func defaultRuns() int {
	if os.Getenv("MORTON_TEST") == "all" {
		return 300
	}
	return 60
}
