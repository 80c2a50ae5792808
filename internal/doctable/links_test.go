package doctable

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	code    = regexp.MustCompile("`[^`\n]+`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks follows every link of the repository's pages that leads to a file or a
// heading of ours.
func TestLinks(t *testing.T) {
	const root = "../.."
	links := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch name := e.Name(); {
		case err != nil:
			return err
		case e.IsDir() && path != root && (name[0] == '.' || name == "out" || name == "corpus" || name == "node_modules"):
			return fs.SkipDir
		case filepath.Ext(name) != ".md":
			return nil
		}
		for _, to := range linksOf(t, path) {
			links++
			if fault := follow(t, path, to); fault != "" {
				t.Errorf("%s: the link %q leads to no %s", path, to, fault)
			}
		}
		return nil
	})
	if err != nil || links < 100 {
		t.Errorf("%d links, error %v", links, err)
	}
}

// linksOf returns where a page's links lead, those to other sites left out.
func linksOf(t *testing.T, path string) (to []string) {
	for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(prose(t, path), ""), -1) {
		if !strings.Contains(m[1], "://") {
			to = append(to, m[1])
		}
	}
	return to
}

// follow returns what a link lacks, a "file" or a "heading", and "" if it leads somewhere.
func follow(t *testing.T, from, to string) string {
	file, anchor, hasAnchor := strings.Cut(to, "#")
	if file == "" {
		file = from
	} else {
		file = filepath.Join(filepath.Dir(from), file)
	}
	if _, err := os.Stat(file); err != nil {
		return "file"
	}
	if !hasAnchor {
		return ""
	}
	for _, m := range heading.FindAllStringSubmatch(prose(t, file), -1) {
		if slug(m[1]) == anchor {
			return ""
		}
	}
	return "heading"
}

// prose is a page without its blocks of code.
func prose(t *testing.T, path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fence.ReplaceAllString(string(data), "")
}

// slug is the anchor that GitHub gives a heading.
func slug(heading string) string {
	return strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
