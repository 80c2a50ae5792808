package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var (
	block   = regexp.MustCompile("(?ms)^(?:```[a-z]*|~~~)\n(.*?)^(?:```|~~~)$")
	quoted  = regexp.MustCompile("`([^`\n]+)`")
	program = regexp.MustCompile(`^(?:\./|bin/)*morton\s`)
	goTest  = regexp.MustCompile(`^go test .*-(?:run|bench) '?([^'\s]+)'?`)
	folders = regexp.MustCompile(` \./[\w/]+`)
	makes   = regexp.MustCompile(`^make ([a-z-]+)`)
	runs    = regexp.MustCompile(`^(?:go run (\./[\w/]+)|((?:scripts|tools)/[\w./-]+))`)
)

// TestCommandsOfPages holds every command of the repository's pages to what there is:
// Morton's commands and their flags, make's targets, scripts, tools and tests.
func TestCommandsOfPages(t *testing.T) {
	commands := 0
	for _, page := range pagesOfRepository(t) {
		for _, line := range commandLines(t, page) {
			if fault := faultOf(t, line); fault != "" {
				t.Errorf("%s: %s: %s", page, line, fault)
			}
			commands++
		}
	}
	if commands < 150 {
		t.Errorf("%d commands", commands)
	}
}

// TestFaultsOfPages makes sure that a command that does not exist is found.
func TestFaultsOfPages(t *testing.T) {
	for line, want := range map[string]string{
		"bin/morton generate video --input 'a b' --prefix 16 # --none": "",
		"morton generate quad --input a":                               "no command quad",
		"morton generate video --inputs a":                             "no flag --inputs",
		"morton generate image|video --prefix 3":                       "no flag --prefix",
		"morton inspect x --slots=3":                                   "",
		"go test ./jobs/morton -run 'Nowhere|CommandsOfPages' -v":      "no test Nowhere",
		"go test ./jobs/none -run Pages":                               "no folder jobs/none",
		"make tests":                                                   "no target tests",
		"go run ./tools/none draw":                                     "no file ./tools/none",
		"scripts/run":                                                  "",
	} {
		if got := faultOf(t, line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// pagesOfRepository lists the Markdown files that describe how Morton is now.
func pagesOfRepository(t *testing.T) (pages []string) {
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := e.Name(); e.IsDir() && path != "../.." && (name[0] == '.' || name == "out" || name == "corpus" || name == "node_modules") {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".md" && filepath.Base(path) != "CHANGELOG.md" {
			pages = append(pages, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// commandLines returns the lines of a page's blocks of code, and what else it has in
// backquotes, as far as they look like commands.
func commandLines(t *testing.T, page string) (lines []string) {
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		lines = append(lines, strings.Split(strings.ReplaceAll(m[1], "\\\n", " "), "\n")...)
	}
	for _, m := range quoted.FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
		lines = append(lines, m[1])
	}
	return slices.DeleteFunc(lines, func(line string) bool {
		return !program.MatchString(line) && !goTest.MatchString(line) && !makes.MatchString(line) && !runs.MatchString(line)
	})
}

// faultOf returns what a command names that does not exist, or "".
func faultOf(t *testing.T, line string) string {
	switch {
	case program.MatchString(line):
		return mortonFault(t, line)
	case makes.MatchString(line):
		text, err := os.ReadFile("../../Makefile")
		if target := makes.FindStringSubmatch(line)[1]; err != nil || !regexp.MustCompile(`(?m)^`+target+`:`).Match(text) {
			return "no target " + target
		}
	case goTest.MatchString(line):
		return testFault(t, line)
	default:
		m := runs.FindStringSubmatch(line)
		if path := m[1] + m[2]; !exists(path) {
			return "no file " + path
		}
	}
	return ""
}

// mortonFault looks a command line of ours up: commands may be given as "video|shape".
func mortonFault(t *testing.T, line string) string {
	line, _, _ = strings.Cut(line, " #")
	at, isCommand := []*cobra.Command{newRoot(terminal{})}, true
	at[0].InitDefaultCompletionCmd()
	at[0].InitDefaultHelpCmd()
	for _, word := range strings.Fields(line)[1:] {
		word = strings.Trim(word, "[]…")
		if name, isFlag := strings.CutPrefix(word, "--"); isFlag {
			name, _, _ = strings.Cut(name, "=")
			for _, c := range at {
				c.InitDefaultHelpFlag()
				if c.Flag(name) == nil && len(c.Commands()) == 0 {
					return "no flag --" + name
				}
			}
			isCommand = false
		} else if isCommand && len(at[0].Commands()) > 0 && word != "flags" && word == strings.ToLower(word) {
			var next []*cobra.Command
			for _, name := range strings.Split(word, "|") {
				c, rest, _ := at[0].Find([]string{name})
				if c == at[0] || len(rest) > 0 {
					return "no command " + name
				}
				next = append(next, c)
			}
			at = next
		}
	}
	return ""
}

// testFault looks up each test that a pattern of go test names.
func testFault(t *testing.T, line string) string {
	var sources strings.Builder
	for _, dir := range folders.FindAllString(line, -1) {
		dir = dir[1:]
		if !exists(dir) {
			return "no folder " + filepath.Clean(dir)
		}
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, e fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, "_test.go") {
				data, err := os.ReadFile(path)
				sources.Write(data)
				return err
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range strings.Split(goTest.FindStringSubmatch(line)[1], "|") {
		name, _, _ = strings.Cut(name, "/")
		pattern := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Example|Fuzz)\w*)\(`)
		named := regexp.MustCompile(name)
		if !slices.ContainsFunc(pattern.FindAllStringSubmatch(sources.String(), -1), func(m []string) bool { return named.MatchString(m[1]) }) {
			return "no test " + name
		}
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(filepath.Join("../..", path))
	return err == nil
}
