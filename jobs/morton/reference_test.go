package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

//go:generate env MORTON_REFERENCE=write go test -count=1 -run ^TestReferencePages$ .

const referenceDir = "../../docs/reference/commands"

// TestReferencePages holds the committed pages to the commands; `go generate ./jobs/morton`
// writes them anew.
func TestReferencePages(t *testing.T) {
	dir := t.TempDir()
	if os.Getenv("MORTON_REFERENCE") == "write" {
		dir = referenceDir
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeReference(t, dir)
	fresh, committed := pages(t, dir), pages(t, referenceDir)
	if len(fresh) < 20 {
		t.Errorf("%d pages", len(fresh))
	}
	for name, text := range fresh {
		if !bytes.Equal(committed[name], text) {
			t.Errorf("%s is not what the commands say: run go generate ./jobs/morton", name)
		}
	}
	for name := range committed {
		if fresh[name] == nil {
			t.Errorf("%s is nobody's page", name)
		}
	}
}

// writeReference writes a page for each command, and one for Beam's flags.
func writeReference(t *testing.T, dir string) {
	t.Helper()
	root := newRoot(terminal{})
	root.DisableAutoGenTag = true // it has the date
	root.InitDefaultCompletionCmd()
	for _, c := range commandsOf(root) {
		c.InheritedFlags().SortFlags = false
	}
	if err := doc.GenMarkdownTree(root, dir); err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := doc.GenMarkdown(find(t, root, "beam"), &page); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "morton_beam.md"), page.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, root *cobra.Command, name string) *cobra.Command {
	t.Helper()
	c, _, err := root.Find([]string{name})
	if err != nil || c == root {
		t.Fatalf("no command %s: %v", name, err)
	}
	return c
}

// pages reads the files of a folder.
func pages(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, e := range entries {
		if all[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
