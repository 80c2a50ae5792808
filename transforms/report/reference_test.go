package report

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/internal/doctable"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/request"
)

const referenceDir = "../../docs/reference"

// TestReferencePages holds the tables of docs/reference to the files' types, and to
// the words that the sources use.
func TestReferencePages(t *testing.T) {
	asked := doctable.Fields(reflect.TypeFor[request.Request]())
	row := slices.DeleteFunc(doctable.Fields(reflect.TypeFor[Result]()), func(name string) bool { return slices.Contains(asked, name) })
	kinds := append(words(t, `errkind\.New\("([a-z_]+)"`, "codecs", "gpu", "internal/store", "mesh", "models", "octree", "transforms"), IO, Internal)
	for _, k := range append(fullDisk, fileSystem...) {
		kinds = append(kinds, k.kind)
	}
	// Measures are named in literals of their type, and in assignments to variables of it.
	measures := append(words(t, `"([a-z0-9_.]+)": *(?:float64\(|l\.|out\.|r\.|db\b)`, "models/tokenizer", "transforms"), fscores(t)...)
	measures = append(measures, words(t, `(?:all|measures)\["([a-z0-9_.]+)"\]`, "models/tokenizer", "transforms")...)
	keys := words(t, `"(frames|rate|prefix)": *fmt\.Sprint|(?:Place|Coding)Key = "([a-z]+)"|Meta\["([a-z]+)"\]; ok`, "models")
	for _, c := range []struct {
		page, heading string
		want          []string
	}{
		{"manifest.md", "Fields", asked},
		{"manifest.md", "Sampling", doctable.Fields(reflect.TypeFor[request.Sampling]())},
		{"manifest.md", "Search", doctable.Fields(reflect.TypeFor[request.Search]())},
		{"manifest.md", "Verifiers", words(t, `Name: "([a-z]+)", Kinds`, "models")},
		{"results.md", "results.jsonl", row},
		{"results.md", "Measures", measures},
		{"results.md", "summary.json", doctable.Fields(reflect.TypeFor[Summary]())},
		{"results.md", "Markers", doctable.Fields(reflect.TypeFor[Marker]())},
		{"failures.md", "Fields", doctable.Fields(reflect.TypeFor[Failure]())},
		{"failures.md", "Kinds", kinds},
		{"shards.md", "Metadata", keys},
	} {
		names, err := doctable.Names(filepath.Join(referenceDir, c.page), c.heading)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, fault := range doctable.Compare(names, c.want) {
			t.Errorf("%s, %s: %s", c.page, c.heading, fault)
		}
	}
	text, err := os.ReadFile(filepath.Join(referenceDir, "results.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range doctable.Fields(reflect.TypeFor[claim.File]()) {
		if !strings.Contains(string(text), "\n| `"+name+"` |") {
			t.Errorf("results.md does not explain %q of a marker's file", name)
		}
	}
}

// fscores are named in a list.
func fscores(t *testing.T) []string {
	all := words(t, `"(fscore_[0-9.]+pct)"`, "transforms")
	if len(all) < 3 {
		t.Errorf("found %v", all)
	}
	return all
}

// words finds what a pattern's groups match in the sources of folders.
func words(t *testing.T, pattern string, folders ...string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join("../..", folder), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range re.FindAllStringSubmatch(string(text), -1) {
				found = append(found, strings.Join(m[1:], ""))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}
