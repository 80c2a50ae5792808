package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/morton-gen/morton/internal/doctable"
)

// TestEnvironmentPage holds docs/reference/environment.md to the variables that the
// sources name.
func TestEnvironmentPage(t *testing.T) {
	const page = "../../docs/reference/environment.md"
	name := regexp.MustCompile(`"((?:MORTON|LP|MESA)_[A-Z_]+)"`)
	program, tests := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := filepath.Base(path); e.IsDir() && path != "../.." && (base[0] == '.' || base == "out" || base == "corpus") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		to := program
		if strings.HasSuffix(path, "_test.go") || strings.Contains(path, "gputest") {
			to = tests
		}
		for _, m := range name.FindAllStringSubmatch(string(text), -1) {
			to[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for v := range program {
		want = append(want, v)
	}
	names, err := doctable.Names(page, "Variables")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range doctable.Compare(names, want) {
		t.Error(fault)
	}
	names, err = doctable.Names(page, "Variables of tests")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range names {
		if !tests[v] {
			t.Errorf("no test reads %s", v)
		}
	}
}
