package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/morton-gen/morton/transforms/request"
)

// markers writes n markers, as of an hour ago, of results without media.
func writeMarkers(t testing.TB, dir string, from, n int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "quads", "done"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := from; i < from+n; i++ {
		writeMarker(t, dir, fmt.Sprintf("m%05d", i), "first")
	}
}

func writeMarker(t testing.TB, dir, id, run string) {
	t.Helper()
	m := Marker{Fingerprint: "f", Run: run, Result: Result{Request: request.Request{ID: id, Family: request.Quads}, Action: Tokenize, Model: "m"}}
	var text bytes.Buffer
	if err := EncodeMarker(&text, m); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, Place{request.Quads, id}.Marker())
	old := time.Now().Add(-time.Hour)
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

func publishNothing(t testing.TB, dir string) {
	t.Helper()
	if _, err := Publish(dir, nil, Run{Action: Generate, Begun: time.Now()}); err != nil {
		t.Fatal(err)
	}
}

func indexes(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "quads", "done", "index-*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// runs counts the markers of each run, as Markers finds them.
func runs(t testing.TB, dir string) map[string]int {
	t.Helper()
	all, err := Markers(dir, request.Quads)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, m := range all {
		count[m.Run]++
	}
	return count
}

// scribble changes the bytes of a marker, and neither its size nor its time: only who reads
// the file itself sees it.
func scribble(t testing.TB, dir, id string) {
	t.Helper()
	path := filepath.Join(dir, Place{request.Quads, id}.Marker())
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte("first"), []byte("other"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

// TestIndex: markers are read from the index as long as their files are those that were
// copied, and else from the files.
func TestIndex(t *testing.T) {
	dir := t.TempDir()
	writeMarkers(t, dir, 0, 100)
	publishNothing(t, dir)
	if got := indexes(t, dir); len(got) != 1 {
		t.Fatalf("indexes %v", got)
	}
	scribble(t, dir, "m00007")
	if got := runs(t, dir); got["first"] != 100 {
		t.Errorf("%v: the index was not read", got)
	}
	writeMarker(t, dir, "m00008", "second") // another size
	if err := os.Chtimes(filepath.Join(dir, Place{request.Quads, "m00009"}.Marker()), time.Time{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	scribble(t, dir, "m00009") // another time
	if err := os.Remove(filepath.Join(dir, Place{request.Quads, "m00010"}.Marker())); err != nil {
		t.Fatal(err)
	}
	writeMarker(t, dir, "new", "second")
	if got := runs(t, dir); got["first"] != 97 || got["second"] != 2 || got["other"] != 1 {
		t.Errorf("%v after changes", got)
	}
	publishNothing(t, dir)
	data, err := os.ReadFile(indexes(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if strings.Contains(text, `"m00009"`) || strings.Contains(text, `"m00010"`) || !strings.Contains(text, `"new"`) || strings.Count(text, "\n") != 99 {
		t.Errorf("the index has a marker that was written just now, or that is gone, or lacks one:\n%s", text)
	}
	folder, err := OpenFolder(dir, (&Folder{}).policy)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if !folder.files.Whole(dir) || folder.files.Of("quads/done/index-0000-of-0001.jsonl") == nil {
		t.Error("the index is not claimed")
	}
}

// TestIndexIsNotTrusted: an index that is damaged, or not ours, costs time and nothing else.
func TestIndexIsNotTrusted(t *testing.T) {
	dir := t.TempDir()
	writeMarkers(t, dir, 0, 100)
	path := filepath.Join(dir, "quads", "done", "index-0000-of-0001.jsonl")
	if err := os.WriteFile(path, []byte("my own\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	publishNothing(t, dir)
	if data, _ := os.ReadFile(path); string(data) != "my own\n" {
		t.Errorf("a file that is not ours was replaced by %q", data)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	publishNothing(t, dir)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"cut":            whole[:len(whole)/2],
		"another family": bytes.ReplaceAll(whole, []byte(`"family":"quads"`), []byte(`"family":"shape"`)),
		"outside":        bytes.ReplaceAll(whole, []byte(`"id":"m`), []byte(`"id":"../m`)),
		"empty":          nil,
	} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := runs(t, dir); got["first"] != 100 || len(got) != 1 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestIndexGrows: as markers come, the index is dealt to more files, and the old ones go. A
// few new markers change few files.
func TestIndexGrows(t *testing.T) {
	dir := t.TempDir()
	writeMarkers(t, dir, 0, 70)
	publishNothing(t, dir)
	writeMarkers(t, dir, 70, 2*perIndex)
	publishNothing(t, dir)
	files := indexes(t, dir)
	if len(files) != 4 || !strings.HasSuffix(files[0], "index-0000-of-0004.jsonl") {
		t.Fatalf("indexes %v", files)
	}
	before := map[string]time.Time{}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		before[f] = info.ModTime()
	}
	writeMarker(t, dir, "one-more", "second")
	publishNothing(t, dir)
	changed := 0
	for _, f := range indexes(t, dir) {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if !info.ModTime().Equal(before[f]) {
			changed++
		}
	}
	if got := runs(t, dir); changed != 1 || got["first"] != 70+2*perIndex || got["second"] != 1 {
		t.Errorf("%d index files changed by one marker, want 1; markers %v", changed, got)
	}
}
