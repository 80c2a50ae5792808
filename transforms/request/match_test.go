package request

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

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

// makeFiles writes files that hold their own names in a new working directory.
func makeFiles(t *testing.T, paths ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, path := range paths {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(path), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMatchWords(t *testing.T) {
	makeFiles(t, "a.mp4", "b.mov", "c.txt", "d/{x}.mp4", "d/e/y.mov")
	for pattern, want := range map[string]string{
		"*.{mp4,mov}":                "a.mp4 b.mov",
		"**/*.{mp4,mov}":             "a.mp4 b.mov d/e/y.mov d/{x}.mp4",
		"d/{x}.mp4":                  "d/{x}.mp4",
		`d/\{x\}.mp4`:                "d/{x}.mp4",
		"{a.mp4,d/e/y.mov}":          "a.mp4 d/e/y.mov",
		"[a-b].m[op][v4]":            "a.mp4 b.mov",
		"./../" + here(t) + "/*.mp4": "../" + here(t) + "/a.mp4",
	} {
		got, err := Match([]string{pattern})
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s gives %s, want %s", pattern, s, want)
		}
	}
}

// here is the name of the working directory.
func here(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(dir)
}

// TestMatchOnce names one file by every spelling there is.
func TestMatchOnce(t *testing.T) {
	makeFiles(t, "a.mp4", "other.mp4")
	abs, err := filepath.Abs("a.mp4")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a.mp4", "link.mp4"); err != nil {
		t.Fatal(err)
	}
	if err := os.Link("a.mp4", "second.mp4"); err != nil {
		t.Fatal(err)
	}
	m, err := Expand([]string{"a.mp4", "./a.mp4", abs, "link.mp4", "second.mp4", "*.mp4"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a.mp4", "other.mp4"}; !slices.Equal(m.Paths, want) || m.Again != 7 {
		t.Errorf("%q and %d again, want %q and 7", m.Paths, m.Again, want)
	}
	m, err = Expand([]string{"missing.mp4", "./missing.mp4"})
	if err != nil || !slices.Equal(m.Paths, []string{"missing.mp4"}) {
		t.Errorf("%q, error %v, want the missing file once", m.Paths, err)
	}
}

// TestMatchLinks: a link to a folder is followed where it is named, and "**" does
// not go round in one.
func TestMatchLinks(t *testing.T) {
	makeFiles(t, "in/d/a.mp4", "far/b.mp4")
	for name, target := range map[string]string{"in/loop": "..", "in/far": "../far", "in/gone.mp4": "nowhere"} {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string]string{
		"in/**/*.mp4":     "in/d/a.mp4 in/gone.mp4",
		"in/*/*.mp4":      "in/d/a.mp4 in/far/b.mp4",
		"in/far/**/*.mp4": "in/far/b.mp4",
	} {
		got, err := Match([]string{pattern})
		if s := strings.Join(got, " "); err != nil || s != want {
			t.Errorf("%s gives %s, error %v, want %s", pattern, s, err, want)
		}
	}
}

// TestMatchNothing: what names no file is wrong use alone, and an input of the run
// among others.
func TestMatchNothing(t *testing.T) {
	makeFiles(t, "a.mp4", "clips/b.mov", "clips/c.mov", "clips/d.mp4", "deep/er/e.mp4", "it's/f.mp4", "mesh/a.bin", "mesh/b.bin", "mesh/c.gltf")
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		patterns []string
		kind     error
		why      string
	}{
		{[]string{"*.avi"}, ErrNoMatch, "no file matches: *.avi"},
		{[]string{"*.avi", "*.mkv"}, ErrNoMatch, "*.avi"},
		{[]string{"clips"}, ErrFolder, "clips is a folder; its files are --input 'clips/*.mov'"},
		{[]string{"clips/"}, ErrFolder, "'clips/*.mov'"},
		{[]string{"mesh"}, ErrFolder, "'mesh/*.gltf'"},
		{[]string{"deep"}, ErrFolder, "'deep/**/*.*'"},
		{[]string{"empty"}, ErrFolder, "a folder, and empty"},
		{[]string{"it's"}, ErrFolder, `'it'\''s/*.mp4'`},
		{[]string{"*.avi", "clips"}, ErrNoMatch, "*.avi"},
	} {
		_, err := Match(c.patterns)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%q: error %v, want %v about %s", c.patterns, err, c.kind, c.why)
		}
		m, err := Expand(append(c.patterns, "a.mp4"))
		if want := append(c.patterns, "a.mp4"); err != nil || !slices.Equal(m.Paths, want) {
			t.Errorf("%q among others: %q, error %v", c.patterns, m.Paths, err)
		}
		for _, p := range m.Paths[:len(c.patterns)] {
			if err := CheckInput(p); err == nil {
				t.Errorf("%s passes as an input", p)
			}
		}
	}
	if err := CheckInput("a.mp4"); err != nil {
		t.Error(err)
	}
	if err := CheckInput("missing.mp4"); err != nil {
		t.Errorf("%v, want what opening says", err)
	}
}

// TestFolderThatCannotBeListed stays as an input: what lies in it is not done.
func TestFolderThatCannotBeListed(t *testing.T) {
	makeFiles(t, "a/x.mp4", "b/y.mp4")
	if err := os.Symlink("loop", "loop"); err != nil { // fails for root too

		t.Fatal(err)
	}
	if _, err := Match([]string{"loop/*.mp4"}); !errors.Is(err, ErrNoMatch) || !strings.Contains(err.Error(), "open loop: ") {
		t.Errorf("error %v, want ErrNoMatch with the cause", err)
	}
	got, err := Match([]string{"a/*.mp4", "loop/*.mp4"})
	if want := []string{"a/x.mp4", "loop"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, error %v, want %q", got, err, want)
	}
	if _, err := Match([]string{"~/*.mp4"}); err == nil || !strings.Contains(err.Error(), "home folder") {
		t.Errorf("error %v", err)
	}
}

// TestNamesThatAreNoText are matched, and refused for what they are.
func TestNamesThatAreNoText(t *testing.T) {
	names := []string{"caf\xe9.mp4", "d\xff/b.mp4", "\xf0\x9f.mp4", "日\xe9.mp4"}
	makeFiles(t, append(names, "a.mp4")...)
	paths, err := Match([]string{"**/*.mp4"})
	if err != nil || len(paths) != 5 {
		t.Fatalf("%q, error %v, want all five", paths, err)
	}
	requests, err := FromPaths(paths, Request{Family: Video})
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]bool{}
	for _, r := range requests {
		if err := CheckInput(r.Input); errors.Is(err, ErrNotUTF8) {
			refused[r.Input] = true
			if unspell(r.Input) == r.Input || !strings.Contains(err.Error(), r.Input) {
				t.Errorf("%q: %v", r.Input, err)
			}
		} else if err != nil || r.Input != "a.mp4" {
			t.Errorf("%q: error %v", r.Input, err)
		}
	}
	for _, want := range []string{`caf\xe9.mp4`, `d\xff/b.mp4`, `\xf0\x9f.mp4`, `日\xe9.mp4`} {
		if !refused[want] {
			t.Errorf("%s is not refused: %v", want, refused)
		}
	}
	if err := os.WriteFile(`x\xe9.mp4`, nil, 0o644); err != nil { // a name that only looks like it
		t.Fatal(err)
	}
	if err := CheckInput(`x\xe9.mp4`); err != nil {
		t.Error(err)
	}
}

func FuzzMatch(f *testing.F) {
	for _, p := range []string{"*.mp4", "**/*", "d/**/e", "{a,b}*", "[a-", `\`, "", "/", "..", "d/../*", "[[]*", "caf\xe9*", "{{a},b}/**", "**/.h*"} {
		f.Add(p)
	}
	dir := f.TempDir()
	for _, name := range []string{"a.mp4", "b.mov", ".h.mp4", "d/e/f.mp4", "d/{x}.mp4", "[q].mp4", "caf\xe9.mp4"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if strings.Contains(pattern, "..") || strings.HasPrefix(pattern, "/") {
			return // the machine's own files
		}
		t.Chdir(dir)
		paths, err := Match([]string{pattern})
		if err != nil {
			if !errors.Is(err, ErrNoMatch) && !errors.Is(err, ErrFolder) && !errors.Is(err, filepath.ErrBadPattern) {
				t.Fatalf("error %v", err)
			}
			return
		}
		requests, err := FromPaths(paths, Request{Family: Video})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range requests {
			if isPattern(pattern) && isFolder(paths[i]) {
				t.Fatalf("%q gives the folder %q", pattern, paths[i])
			}
			if raw := unspell(r.Input); r.Input != paths[i] && raw != unspell(paths[i]) {
				t.Fatalf("%q spelled %q reads back as %q", paths[i], r.Input, raw)
			}
		}
	})
}
