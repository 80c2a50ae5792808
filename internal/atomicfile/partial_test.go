package atomicfile

import (
	"path/filepath"
	"testing"
)

// TestVisible holds texts to the places of files on their way.
func TestVisible(t *testing.T) {
	dir := t.TempDir()
	folder, err := CreateFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Remove()
	for text, want := range map[string]string{
		"write " + tempName(filepath.Join(dir, "a.obj")) + ": full":           "write " + dir + "/a.obj: full",
		"write " + tempName(folder.Path("quads/a-b.obj")) + ": full":          "write " + dir + "/quads/a-b.obj: full",
		"mkdir " + folder.Path("") + ": full":                                 "mkdir " + dir + "/: full",
		"rename " + folder.Path("x/a") + " " + dir + "/x/a: full":             "rename " + dir + "/x/a " + dir + "/x/a: full",
		"open my/.partial-notes: full, .partial-0123 too, partial-0123456789": "open my/.partial-notes: full, .partial-0123 too, partial-0123456789",
	} {
		if got := Visible(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
