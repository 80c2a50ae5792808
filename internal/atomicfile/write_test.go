package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteReplacesWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "er", "a.txt")
	for _, text := range []string{"first, and longer", "second"} {
		err := Write(path, func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Fatalf("file holds %q, want %q", got, text)
		}
	}
}

func TestWriteFailureLeavesTheOldFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "a.txt")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := Write(path, func(w io.Writer) error { io.WriteString(w, "half"); return broken })
	if !errors.Is(err, broken) {
		t.Fatalf("error is %v, want %v", err, broken)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Fatalf("file holds %q, want the old bytes", got)
	}
	if files, _ := os.ReadDir(folder); len(files) != 1 {
		t.Fatalf("%d files left, want 1", len(files))
	}
}

func TestReplaceNeedsTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "a.txt")
	err := Replace(path, func(io.Writer) error { return nil })
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want %v", err, fs.ErrNotExist)
	}
}

func TestWriteOntoFolderLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	if err := Write(folder+"/.", func(io.Writer) error { return nil }); err == nil {
		t.Error("a folder was replaced")
	}
	taken := filepath.Join(folder, "taken")
	if err := os.Mkdir(taken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(taken, func(io.Writer) error { return nil }); err == nil {
		t.Error("a folder was replaced")
	}
	if files := names(t, folder); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}
