//go:build flink

package flink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// own are the fields of reports that tell of one run: its name, its place and its times.
var own = []string{"run", "out", "seconds", "waited_seconds", "request_seconds"}

// compare holds a folder of results to the direct runner's: the same files with the same
// bytes, but for [own] fields, and for the page's times and command.
func compare(t *testing.T, want, got string) {
	t.Helper()
	a, b := files(t, want), files(t, got)
	equal := 0
	for name, data := range a {
		switch other, there := b[name]; {
		case !there:
			t.Errorf("%s lacks %s", got, name)
		case !bytes.Equal(normal(t, name, data), normal(t, name, other)):
			t.Errorf("%s/%s differs from %s's: %s", got, name, want, difference(normal(t, name, data), normal(t, name, other)))
		default:
			equal++
		}
	}
	for name := range b {
		if _, there := a[name]; !there {
			t.Errorf("%s has %s more", got, name)
		}
	}
	t.Logf("%s: %d files are equal to the direct runner's", filepath.Base(got), equal)
	if equal < 5 {
		t.Errorf("only %d files were compared", equal)
	}
}

// difference shows where two files differ first.
func difference(a, b []byte) string {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	show := func(data []byte) []byte { return data[max(0, at-100):min(len(data), at+200)] }
	return fmt.Sprintf("byte %d of %d and %d:\n%q\n%q", at, len(a), len(b), show(a), show(b))
}

func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		all[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var (
	command = regexp.MustCompile(`<p class="command">.*</p>`)
	times   = regexp.MustCompile(`<dt>[^<]*[tT]ime[^<]*</dt><dd>[^<]*</dd>`)
)

// normal returns what two runs must have in common.
func normal(t *testing.T, name string, data []byte) []byte {
	switch {
	case name == "index.html":
		return times.ReplaceAll(command.ReplaceAll(data, nil), nil)
	case strings.HasSuffix(name, ".jsonl"):
		var lines [][]byte
		for line := range bytes.Lines(data) {
			lines = append(lines, normalJSON(t, name, line))
		}
		return bytes.Join(lines, []byte("\n"))
	case strings.HasSuffix(name, ".json"):
		return normalJSON(t, name, data)
	}
	return data
}

func normalJSON(t *testing.T, name string, data []byte) []byte {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	strip(v)
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// reports are files whose sizes and hashes follow from their times.
var reports = map[string]bool{"index.html": true, "results.jsonl": true, "failures.jsonl": true, "summary.json": true}

func strip(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			strip(x)
		}
	case map[string]any:
		for _, name := range own {
			delete(v, name)
		}
		if path, _ := v["path"].(string); reports[path] {
			delete(v, "sha256")
			delete(v, "size")
		}
		for _, x := range v {
			strip(x)
		}
	}
}
