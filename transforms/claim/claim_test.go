package claim

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

// batch has one file on its way.
func batch(t *testing.T, dir, path, text string) (*Batch, Files) {
	t.Helper()
	b, err := Begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.End() })
	temp, err := b.Path(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, temp, text)
	files, err := b.Seal()
	if err != nil {
		t.Fatal(err)
	}
	return b, files
}

// TestWhatMayBeReplaced goes through what can stand at a place.
func TestWhatMayBeReplaced(t *testing.T) {
	claimed := func(t *testing.T, text string) Files {
		_, files := batch(t, t.TempDir(), "v/a", text)
		return files
	}
	for name, c := range map[string]struct {
		there      string // "" for nothing
		claims     string // what was left there; "" for no claim
		overwrite  bool
		before, at error // of Vacant, and of Check
	}{
		"nothing":              {},
		"a stranger":           {there: "mine", before: ErrNotOurs, at: ErrNotOurs},
		"a stranger, asked":    {there: "mine", overwrite: true},
		"ours":                 {there: "old, and longer", claims: "old, and longer"},
		"what is to come":      {there: "new result", before: ErrNotOurs},
		"ours, changed":        {there: "another, and much longer", claims: "old, and longer", before: ErrChanged, at: ErrChanged},
		"ours, of equal size":  {there: "OLD, and longer", claims: "old, and longer", before: ErrChanged, at: ErrChanged},
		"ours without its end": {there: "new re", claims: "new result", before: nil},
		"a shorter other":      {there: "mine", claims: "old, and longer", at: ErrChanged},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.there != "" {
				put(t, filepath.Join(dir, "v/a"), c.there)
			}
			var old Files
			if c.claims != "" {
				old = claimed(t, c.claims)
			}
			policy := Policy{Overwrite: c.overwrite}
			if err := old.Vacant(dir, policy, "v/a"); !errors.Is(err, c.before) || c.before == nil && err != nil {
				t.Errorf("Vacant: %v, want %v", err, c.before)
			}
			b, files := batch(t, dir, "v/a", "new result")
			if err := b.Check(old, policy); !errors.Is(err, c.at) || c.at == nil && err != nil {
				t.Errorf("Check: %v, want %v", err, c.at)
			}
			want := "new result"
			if c.at != nil {
				want = c.there
			}
			if err := b.Place(old, policy); !errors.Is(err, c.at) || c.at == nil && err != nil {
				t.Errorf("Place: %v, want %v", err, c.at)
			}
			if got, _ := os.ReadFile(filepath.Join(dir, "v/a")); string(got) != want {
				t.Errorf("%q stands there, want %q", got, want)
			}
			if files.Whole(dir) != (c.at == nil) {
				t.Errorf("whole: %v", files.Whole(dir))
			}
		})
	}
}

// TestLinksAndFoldersAreNotOurs checks that only a plain file can be ours.
func TestLinksAndFoldersAreNotOurs(t *testing.T) {
	dir := t.TempDir()
	_, files := batch(t, t.TempDir(), "a", "ours")
	if err := os.Symlink(put(t, filepath.Join(dir, "elsewhere"), "ours"), filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if err := files.Vacant(dir, Policy{}, "a"); !errors.Is(err, ErrChanged) {
		t.Errorf("a link: %v, want ErrChanged", err)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "a")), os.Mkdir(filepath.Join(dir, "a"), 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := files.Vacant(dir, Policy{Overwrite: true}, "a"); !errors.Is(err, ErrNotOurs) {
		t.Errorf("a folder: %v, want ErrNotOurs", err)
	}
}

// TestInputsAreNeverReplaced checks that asking to overwrite does not mean inputs.
func TestInputsAreNeverReplaced(t *testing.T) {
	dir := t.TempDir()
	input := put(t, filepath.Join(dir, "in/a"), "input")
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "v"), 0o755), os.Link(input, filepath.Join(dir, "v/a"))); err != nil {
		t.Fatal(err)
	}
	policy := Policy{Overwrite: true, Inputs: NewInputs(input, "", filepath.Join(dir, "missing"))}
	b, _ := batch(t, dir, "v/a", "new")
	if err := b.Check(nil, policy); !errors.Is(err, ErrInput) {
		t.Errorf("Check: %v, want ErrInput", err)
	}
	if err := b.Place(nil, policy); !errors.Is(err, ErrInput) {
		t.Errorf("Place: %v, want ErrInput", err)
	}
	if got, _ := os.ReadFile(input); string(got) != "input" {
		t.Errorf("the input is %q", got)
	}
}
