package pipelines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

const triangle = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"

// put writes a small file and makes its folder.
func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// tree returns all that stands in a folder, links by their targets.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		switch {
		case d.IsDir():
			all[name] = "folder"
		case d.Type()&os.ModeSymlink != 0:
			all[name], err = os.Readlink(path)
		default:
			var data []byte
			data, err = os.ReadFile(path)
			all[name] = string(data)
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

func sameTree(t *testing.T, dir string, before map[string]string) {
	t.Helper()
	after := tree(t, dir)
	for name, text := range before {
		if got, ok := after[name]; !ok || got != text {
			t.Errorf("%s was changed or removed", name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s was written", name)
		}
	}
}

// into is a job that writes into a folder of the test's.
func into(t *testing.T, out string, f request.Family, paths ...string) Job {
	t.Helper()
	requests, err := request.FromPaths(paths, request.Request{Family: f, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	return Job{Settings: settingsInto(t, out, f), Requests: requests}
}

// TestInputsAreNoPlaces checks that a run which would write over an input writes
// nothing at all, whichever of its files that is and whatever links lie between.
func TestInputsAreNoPlaces(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	link := func(from, to string) func(string) error {
		return func(dir string) error {
			from, to := filepath.Join(dir, from), filepath.Join(dir, to)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			return os.Symlink(from, to)
		}
	}
	hard := func(from, to string) func(string) error {
		return func(dir string) error {
			from, to := filepath.Join(dir, from), filepath.Join(dir, to)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			return os.Link(from, to)
		}
	}
	for name, c := range map[string]struct {
		input  string // of the run, and what stands there
		more   func(dir string) error
		action string
	}{
		"obj":                {input: "out/quads/x.obj"},
		"glb":                {input: "out/quads/x.glb"},
		"picture":            {input: "out/quads/x.png"},
		"tokens":             {input: "out/quads/done/x.parquet"},
		"marker":             {input: "out/quads/done/x.json"},
		"folder's marker":    {input: "out/morton.json"},
		"results":            {input: "out/results.jsonl"},
		"failures":           {input: "out/failures.jsonl"},
		"summary":            {input: "out/summary.json"},
		"page":               {input: "out/index.html"},
		"joined tokens":      {input: "out/quads/tokens.parquet"},
		"requests":           {input: "out/quads/requests.jsonl"},
		"shard":              {input: "out/quads-0000-of-0001.parquet", action: report.Tokenize},
		"tokenize's marker":  {input: "out/quads/done/x.json", action: report.Tokenize},
		"another's place":    {input: "out/quads/x.obj", more: func(string) error { return nil }},
		"link at the place":  {input: "in/x.obj", more: link("in/x.obj", "out/quads/x.obj")},
		"link to the place":  {input: "in/x.obj", more: nil},
		"hard link":          {input: "in/x.obj", more: hard("in/x.obj", "out/quads/x.obj")},
		"linked folder":      {input: "in/x.obj", more: link("in", "out/quads")},
		"linked out":         {input: "in/quads/x.obj", more: link("in", "out")},
		"linked, none there": {input: "in/x.obj", more: link("in", "out/quads")},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, c.input)
			switch name {
			case "link to the place":
				put(t, filepath.Join(dir, "out/quads/x.obj"), triangle)
				if err := errors.Join(os.Mkdir(filepath.Join(dir, "in"), 0o755), os.Symlink("../out/quads/x.obj", path)); err != nil {
					t.Fatal(err)
				}
			case "linked, none there":
				if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
					t.Fatal(err)
				}
			default:
				put(t, path, triangle)
			}
			if c.more != nil {
				if err := c.more(dir); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, dir)
			for _, overwrite := range []bool{false, true} {
				j := into(t, filepath.Join(dir, "out"), request.Quads, path)
				j.Requests[0].ID = "x"
				j.Settings.Overwrite = overwrite
				run := Generate
				if c.action == report.Tokenize {
					run = Tokenize
				}
				if _, err := run(context.Background(), j); !errors.Is(err, ErrOut) {
					t.Errorf("overwrite %v: error %v, want ErrOut", overwrite, err)
				}
				sameTree(t, dir, before)
			}
		})
	}
}

// TestStrangersAreKept checks that a file which no run made stays: at the place of
// one result it costs that one, at the place of the run's own files the whole run.
func TestStrangersAreKept(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	for _, c := range []struct {
		file   string
		action string
		whole  bool // the run is refused
	}{
		{"quads/x.obj", report.Generate, false},
		{"quads/x.glb", report.Generate, false},
		{"quads/x.png", report.Generate, false},
		{"quads/done/x.parquet", report.Generate, false},
		{"quads/done/x.json", report.Generate, false},
		{"quads/done/x.parquet", report.Tokenize, false},
		{"quads/done/x.json", report.Tokenize, false},
		{"results.jsonl", report.Generate, true},
		{"failures.jsonl", report.Tokenize, true},
		{"summary.json", report.Generate, true},
		{"index.html", report.Generate, true},
		{"morton.json", report.Generate, true},
		{"quads/tokens.parquet", report.Generate, true},
		{"quads/requests.jsonl", report.Generate, true},
		{"quads-requests.jsonl", report.Tokenize, true},
		{"quads-0000-of-0001.parquet", report.Tokenize, true},
	} {
		t.Run(c.action+"/"+c.file, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "out")
			x, y := put(t, filepath.Join(dir, "x.obj"), triangle), put(t, filepath.Join(dir, "y.obj"), triangle)
			mine := put(t, filepath.Join(out, c.file), "a file of mine\n")
			before := tree(t, out)
			run := map[string]func(context.Context, Job) (report.Summary, error){report.Generate: Generate, report.Tokenize: Tokenize}[c.action]
			s, err := run(context.Background(), into(t, out, request.Quads, x, y))
			if text, _ := os.ReadFile(mine); string(text) != "a file of mine\n" {
				t.Fatalf("the file was replaced by %q", text)
			}
			switch {
			case c.whole:
				if !errors.Is(err, ErrOut) {
					t.Errorf("error %v, want ErrOut", err)
				}
				sameTree(t, out, before)
			case err != nil || s.Done != 1 || s.Failed != 1 || s.Kinds["not_ours"] != 1:
				t.Errorf("%+v, error %v, want one done and one not_ours", s, err)
			}
			j := into(t, out, request.Quads, x, y)
			j.Settings.Overwrite = true
			if s, err := run(context.Background(), j); err != nil || s.Done != 2 || s.Failed != 0 {
				t.Errorf("overwrite: %+v, error %v", s, err)
			}
			if text, _ := os.ReadFile(mine); string(text) == "a file of mine\n" && c.file != "failures.jsonl" {
				t.Error("overwrite left the file")
			}
			checkNoPartials(t, out)
		})
	}
}

func checkNoPartials(t *testing.T, dir string) {
	t.Helper()
	for name := range tree(t, dir) {
		if strings.Contains(name, ".partial-") {
			t.Errorf("%s is left", name)
		}
	}
}

// TestWriteChecksAgain puts a file at a result's place while the result is made, as
// only the stage that writes can see.
func TestWriteChecksAgain(t *testing.T) {
	for _, runner := range []string{"direct", "prism"} {
		t.Run(runner, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "out")
			e := newEcho(shard.KindQuad)
			e.generate = func(r request.Request) error {
				if r.ID == "x" {
					put(t, filepath.Join(out, "quads/x.obj"), "meanwhile\n")
				}
				return nil
			}
			use(t, request.Quads, e)
			j := into(t, out, request.Quads, put(t, filepath.Join(dir, "x.obj"), triangle), put(t, filepath.Join(dir, "y.obj"), triangle))
			j.Runner = runner
			s, err := Generate(context.Background(), j)
			if err != nil || s.Done != 1 || s.Kinds["not_ours"] != 1 {
				t.Errorf("%+v, error %v", s, err)
			}
			if text, _ := os.ReadFile(filepath.Join(out, "quads/x.obj")); string(text) != "meanwhile\n" {
				t.Errorf("the file was replaced by %q", text)
			}
			checkNoPartials(t, out)
		})
	}
}

// TestChangedResults checks what a rerun does with results that are not as they
// were left.
func TestChangedResults(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	for _, c := range []struct {
		name, file string
		change     func(text string) string
		kind       string // of the failure; empty: made again
	}{
		{"edited", "quads/x.obj", func(s string) string { return s + "# mine\n" }, "changed"},
		{"flipped", "quads/x.glb", func(s string) string { return "X" + s[1:] }, "changed"},
		{"cut off", "quads/x.obj", func(s string) string { return s[:len(s)/2] }, ""},
		{"empty", "quads/x.png", func(string) string { return "" }, ""},
		{"shorter, and another", "quads/x.obj", func(string) string { return "mine\n" }, "changed"},
		{"gone", "quads/done/x.parquet", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "out")
			j := into(t, out, request.Quads, put(t, filepath.Join(dir, "x.obj"), triangle), put(t, filepath.Join(dir, "y.obj"), triangle))
			if _, err := Generate(context.Background(), j); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(out, c.file)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			want := string(whole)
			if c.change != nil {
				put(t, path, c.change(want))
			}
			if c.kind != "" {
				want = c.change(want)
			}
			s, err := Generate(context.Background(), j)
			if err != nil || s.Skipped != 1 || s.Failed != len(s.Kinds) || s.Kinds[c.kind] != s.Failed || (c.kind == "") != (s.Failed == 0) {
				t.Errorf("%+v, error %v", s, err)
			}
			if got, _ := os.ReadFile(path); string(got) != want {
				t.Errorf("the file is %q, want %q", got, want)
			}
			j.Settings.Overwrite = true
			if s, err := Generate(context.Background(), j); err != nil || s.Done != 2 {
				t.Errorf("overwrite: %+v, error %v", s, err)
			}
			if got, _ := os.ReadFile(path); string(got) != string(whole) {
				t.Errorf("overwrite left %q", got)
			}
		})
	}
}

// TestSameNameInTwoRuns checks that inputs of one name both keep their results, and
// find them again in any order and spelling.
func TestSameNameInTwoRuns(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	dir := t.TempDir()
	t.Chdir(dir)
	put(t, "d1/clip.obj", triangle)
	put(t, "d2/clip.obj", "v 0 0 0\nv 2 0 0\nv 0 1 0\nf 1 2 3\n")
	run := func(skipped bool, paths ...string) {
		t.Helper()
		s, err := Generate(context.Background(), into(t, "out", request.Quads, paths...))
		if err != nil || s.Done != len(paths) || skipped && s.Skipped != s.Done {
			t.Fatalf("%v: %+v, error %v", paths, s, err)
		}
	}
	run(false, "d1/clip.obj")
	first := tree(t, "out/quads")
	run(false, "d2/clip.obj")
	both := tree(t, "out/quads")
	for _, name := range []string{"clip.obj", "clip.glb", "clip.png", "done/clip.json"} {
		if both[name] != first[name] || both[name] == "" {
			t.Errorf("%s was replaced", name)
		}
	}
	run(true, "d2/clip.obj")
	run(true, "d2/clip.obj", "d1/clip.obj")
	for _, paths := range [][]string{{"./d1/clip.obj"}, {filepath.Join(dir, "d2/clip.obj"), filepath.Join(dir, "d1/clip.obj")}, {"d1/clip.obj", "d2/../d2/clip.obj"}} {
		run(false, paths...)
	}
	results, err := report.ReadResults("out")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range results {
		ids = append(ids, r.ID)
	}
	if len(ids) != 2 || ids[0] != "clip" || !strings.HasPrefix(ids[1], "clip-") {
		t.Errorf("results of %v", ids)
	}
}

// TestGivenIDsAreRefused checks that an id of a manifest which another input has in
// the folder is wrong use, and that its own input may have it.
func TestGivenIDsAreRefused(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	a, b := put(t, filepath.Join(dir, "a.obj"), triangle), put(t, filepath.Join(dir, "b.obj"), triangle)
	named := func(input string) Job {
		requests, err := request.DecodeManifest(strings.NewReader(fmt.Sprintf(`{"id":"one","input":%q}`, input)), request.Request{Family: request.Quads})
		if err != nil {
			t.Fatal(err)
		}
		return Job{Settings: settingsInto(t, out, request.Quads), Requests: requests}
	}
	for i, c := range []struct {
		input   string
		refused bool
	}{{a, false}, {a, false}, {b, true}} {
		before := tree(t, out)
		_, err := Generate(context.Background(), named(c.input))
		if errors.Is(err, ErrOut) != c.refused || err != nil && !c.refused {
			t.Errorf("run %d: error %v", i, err)
		}
		if c.refused {
			sameTree(t, out, before)
		}
	}
	j := named(b)
	j.Settings.Overwrite = true
	if s, err := Generate(context.Background(), j); err != nil || s.Done != 1 {
		t.Errorf("overwrite: %+v, error %v", s, err)
	}
}

// TestTokensBesideResults checks that a folder may hold results and shards made from
// the same inputs, and that neither run costs the other anything.
func TestTokensBesideResults(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	x := put(t, filepath.Join(dir, "x.obj"), triangle)
	mine := put(t, filepath.Join(out, "quads-0001-of-0002.parquet"), "mine\n")
	for i := range 2 {
		s, err := Generate(context.Background(), into(t, out, request.Quads, x))
		if err != nil || s.Done != 1 || s.Skipped != i {
			t.Fatalf("%+v, error %v", s, err)
		}
		if s, err = Tokenize(context.Background(), into(t, out, request.Quads, x)); err != nil || s.Done != 1 || s.Skipped != i {
			t.Fatalf("%+v, error %v", s, err)
		}
	}
	if text, _ := os.ReadFile(mine); string(text) != "mine\n" {
		t.Error("a shard of somebody else's was removed")
	}
	results, err := report.ReadResults(out)
	if err != nil || len(results) != 2 {
		t.Fatalf("%d results, error %v", len(results), err)
	}
	actions := []string{results[0].Action, results[1].Action}
	slices.Sort(actions)
	if !slices.Equal(actions, []string{report.Generate, report.Tokenize}) {
		t.Errorf("results of %v", actions)
	}
}

// TestRequestsCoverTheFolder checks that requests.jsonl makes again what stands there.
func TestRequestsCoverTheFolder(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	for _, name := range []string{"a", "b", "c", "missing", "b"} {
		path := filepath.Join(dir, name+".obj")
		if name != "missing" {
			put(t, path, triangle)
		}
		if _, err := Generate(context.Background(), into(t, out, request.Quads, path)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(out, "quads/c.glb")); err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(context.Background(), into(t, out, request.Quads, filepath.Join(dir, "a.obj"))); err != nil {
		t.Fatal(err)
	}
	requests, err := request.ReadManifest(filepath.Join(out, "quads/requests.jsonl"), request.Request{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range requests {
		ids = append(ids, r.ID)
	}
	if slices.Sort(ids); !slices.Equal(ids, []string{"a", "b", "missing"}) {
		t.Errorf("requests of %v", ids)
	}
	t.Chdir(dir) // where the next input is named from
	if s, err := Generate(context.Background(), into(t, out, request.Quads, "a.obj")); err != nil || s.Done != 1 {
		t.Fatalf("%+v, error %v", s, err)
	}
	if err := os.Remove(filepath.Join(out, "quads/requests.jsonl")); err != nil {
		t.Fatal(err)
	}
	t.Chdir("/")
	if _, err := Generate(context.Background(), into(t, out, request.Quads, filepath.Join(dir, "b.obj"))); err != nil {
		t.Fatal(err)
	}
	if requests, err = request.ReadManifest(filepath.Join(out, "quads/requests.jsonl"), request.Request{}); err != nil || len(requests) != 2 {
		t.Errorf("%d requests from markers, error %v", len(requests), err)
	}
	for _, r := range requests {
		if _, err := os.Stat(r.Input); err != nil {
			t.Error(err)
		}
	}
}

// settingsInto gives each test a spec of its own.
func settingsInto(t *testing.T, out string, f request.Family) (s transforms.Settings) {
	t.Helper()
	s.Spec, s.Out = family.Spec{Family: f, Dir: t.Name()}, out
	return s
}
