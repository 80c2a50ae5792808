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
		"weird/日本.mp4":                 "日本",
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

func TestValidate(t *testing.T) {
	good := Request{ID: "a", Depth: 7, PrefixDepth: 4, Faces: 10, Sampling: &Plain}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*Request){
		func(r *Request) { r.ID = "" },
		func(r *Request) { r.ID = ".." },
		func(r *Request) { r.ID = "../a" },
		func(r *Request) { r.ID = "a/b" },
		func(r *Request) { r.ID = "/etc/passwd" },
		func(r *Request) { r.ID = `a\b` },
		func(r *Request) { r.ID = ".hidden" },
		func(r *Request) { r.ID = "a\x00b" },
		func(r *Request) { r.Input = "hdfs://bucket/a.obj" },
		func(r *Request) { r.Text = "s3://key:secret@bucket/a.safetensors" },
		func(r *Request) { r.Text = "file:///a.npy" },
		func(r *Request) { r.Frames = MaxFrames + 1 },
		func(r *Request) { r.Depth = 11 },
		func(r *Request) { r.PrefixDepth = 8 },
		func(r *Request) { r.Faces = -1 },
		func(r *Request) { r.Row = -1 },
		func(r *Request) { r.Sampling = &Sampling{Temperature: -1, TopP: 1} },
		func(r *Request) { r.Sampling = &Sampling{Temperature: 1} },
		func(r *Request) { r.Search = &Search{Verifier: "closed"} },
		func(r *Request) { r.Search = &Search{Candidates: MaxCandidates + 1, Verifier: "closed"} },
		func(r *Request) { r.Search = &Search{Candidates: 2} },
		func(r *Request) { r.Search = &Search{Candidates: 2, Verifier: "closed", Keep: 3} },
		func(r *Request) { r.Search = &Search{Candidates: 2, Verifier: "closed", CompareEvery: -1} },
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
