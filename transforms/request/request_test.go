package request

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	for path, want := range map[string]string{
		"clips/city.mp4":               "city",
		"a b  (2).obj":                 "a-b-2",
		"/x/.hidden":                   "item-" + shortHash("/x/.hidden"),
		"weird/日本.mp4":                 "item-" + shortHash("weird/日本.mp4"),
		"v1.2_final-cut.tar":           "v1.2_final-cut",
		"-dash.obj":                    "dash",
		strings.Repeat("x", 300) + ".": strings.Repeat("x", maxName-20),
	} {
		got := Name(path)
		if got != want {
			t.Errorf("Name(%q) = %q, want %q", path, got, want)
		}
		if !IsName(got) {
			t.Errorf("Name(%q) = %q is no name", path, got)
		}
	}
}

func TestFromPathsMakesIDsUnique(t *testing.T) {
	paths := []string{"a/x.obj", "b/x.obj", "c/X.OBJ", "d/y.obj"}
	first, err := FromPaths(paths, Request{Family: Quads})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range first {
		if key := strings.ToLower(r.ID); seen[key] || !IsName(r.ID) {
			t.Errorf("id %q is taken or no name", r.ID)
		} else {
			seen[key] = true
		}
	}
	if first[0].ID != "x" || first[3].ID != "y" || !strings.HasPrefix(first[1].ID, "x-") {
		t.Errorf("ids %q, %q, %q", first[0].ID, first[1].ID, first[3].ID)
	}
	fewer, err := FromPaths(paths[:2], Request{Family: Quads})
	if err != nil {
		t.Fatal(err)
	}
	if fewer[1].ID != first[1].ID {
		t.Errorf("the id of %s hangs on later inputs: %q, %q", paths[1], fewer[1].ID, first[1].ID)
	}
}

func TestMatch(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"a.obj", "b.glb", "d/c.obj", "d/e/f.obj", "d/.git/g.obj", ".h.obj", "odd[1].obj", "d/x/sub.obj/z.txt"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ patterns, want string }{
		{"*.obj", "a.obj odd[1].obj"},
		{"**/*.obj", "a.obj d/c.obj d/e/f.obj odd[1].obj"},
		{"d/**/*.obj", "d/c.obj d/e/f.obj"},
		{"./d/**", "d/c.obj d/e/f.obj d/x/sub.obj/z.txt"},
		{"odd[1].obj", "odd[1].obj"},
		{"*.glb a.obj *.obj", "b.glb a.obj odd[1].obj"},
		{"missing.obj", "missing.obj"},
		{".h*", ".h.obj"},
	} {
		got, err := Match(strings.Fields(c.patterns))
		if err != nil {
			t.Errorf("%s: %v", c.patterns, err)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s gives %s, want %s", c.patterns, s, c.want)
		}
	}
	if _, err := Match([]string{"*.ply"}); !errors.Is(err, ErrNoMatch) {
		t.Errorf("error %v, want ErrNoMatch", err)
	}
	if _, err := Match([]string{"[a"}); !errors.Is(err, filepath.ErrBadPattern) {
		t.Errorf("error %v, want ErrBadPattern", err)
	}
}

func TestDecodeManifest(t *testing.T) {
	base := Request{Family: Video, Seed: 1, Prefix: 16, Frames: 48, Sampling: &Sampling{0.5, 3, 0.9}}
	got, err := DecodeManifest(strings.NewReader(`
{"input": "clips/a.mp4"}
{"id": "b", "input": "clips/a.mp4", "seed": 9, "frames": 8, "sampling": {"temperature": 0}}

{"input": "x/b.mp4"}
`), base)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[0].ID != "a" || got[0].Frames != 48 || got[0].Seed != 1 {
		t.Fatalf("%+v", got)
	}
	if r := got[1]; r.Seed != 9 || r.Frames != 8 || *r.Sampling != (Sampling{0, 3, 0.9}) {
		t.Fatalf("%+v %+v", r, r.Sampling)
	}
	if *base.Sampling != (Sampling{0.5, 3, 0.9}) {
		t.Fatalf("a line changed the base: %+v", *base.Sampling)
	}
	if !strings.HasPrefix(got[2].ID, "b-") {
		t.Fatalf("id %q, want another than the given b", got[2].ID)
	}
}

func TestDecodeManifestRefuses(t *testing.T) {
	for _, c := range []struct{ line, why string }{
		{`{"id": "a"} {"id": "b"}`, "line 1"},
		{"{}\n" + `{"id": "a/b"}`, "line 2"},
		{`{"id": "a"}` + "\n" + `{"id": "A"}`, "taken"},
		{`{"frmaes": 3}`, "frmaes"},
		{`{"family": "quads"}`, "quads"},
		{`{"frames": -1}`, "frames"},
		{`{"sampling": {"top_p": 2}}`, "top-p"},
		{`{"sampling": {"temprature": 2}}`, "temprature"},
		{`[1]`, "line 1"},
		{strings.Repeat("x", maxLineBytes+1), "too long"},
	} {
		_, err := DecodeManifest(strings.NewReader(c.line), Request{Family: Video})
		if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%.40s: error %v, want ErrManifest about %q", c.line, err, c.why)
		}
	}
}

func TestValidate(t *testing.T) {
	good := Request{ID: "a", Depth: 7, PrefixDepth: 4, Faces: 10, Sampling: &Plain}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*Request){
		func(r *Request) { r.ID = "" },
		func(r *Request) { r.ID = ".." },
		func(r *Request) { r.Frames = MaxFrames + 1 },
		func(r *Request) { r.Depth = 11 },
		func(r *Request) { r.PrefixDepth = 8 },
		func(r *Request) { r.Faces = -1 },
		func(r *Request) { r.Row = -1 },
		func(r *Request) { r.Sampling = &Sampling{Temperature: -1, TopP: 1} },
		func(r *Request) { r.Sampling = &Sampling{Temperature: 1} },
	} {
		bad := good
		change(&bad)
		if err := bad.Validate(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: error %v, want ErrInvalid", bad, err)
		}
	}
}

func TestFingerprint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.obj")
	if err := os.WriteFile(path, []byte("v"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := Request{ID: "a", Input: path}
	seen := []string{r.Fingerprint("generate", "m")}
	if seen[0] != r.Fingerprint("generate", "m") {
		t.Fatal("two fingerprints of one request differ")
	}
	seen = append(seen, r.Fingerprint("tokenize", "m"), r.Fingerprint("generate", "n"))
	r.Seed = 1
	seen = append(seen, r.Fingerprint("generate", "m"))
	if err := os.WriteFile(path, []byte("vv"), 0o644); err != nil {
		t.Fatal(err)
	}
	seen = append(seen, r.Fingerprint("generate", "m"))
	slices.Sort(seen)
	if len(slices.Compact(seen)) != 5 {
		t.Fatal("two different requests have one fingerprint")
	}
}

func FuzzManifest(f *testing.F) {
	for _, s := range []string{"", `{"id":"a","input":"a.mp4"}`, `{"input":"a"}` + "\n" + `{"input":"a"}`, `{"sampling":null}`, "{\"id\":\"\\u0000\"}", `{"row":1e99}`, `{"start":"1m30s","fit":"letterbox"}`, `{"start":2.5}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		base := Request{Family: Video, Frames: 1, Sampling: &Sampling{Temperature: 1, TopP: 1}}
		requests, err := DecodeManifest(strings.NewReader(text), base)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Fatalf("error %v", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, r := range requests {
			if err := r.Validate(); err != nil || seen[strings.ToLower(r.ID)] {
				t.Fatalf("%+v: %v, seen %v", r, err, seen[strings.ToLower(r.ID)])
			}
			seen[strings.ToLower(r.ID)] = true
		}
		var again strings.Builder
		if err := Encode(&again, requests); err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeManifest(strings.NewReader(again.String()), Request{Family: Video}); err != nil {
			t.Fatalf("what Encode wrote: %v", err)
		}
	})
}
