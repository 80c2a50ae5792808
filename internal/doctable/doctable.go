package doctable

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// Names returns the words in backquotes in the first column of the first table under
// a heading of any level.
func Names(path, heading string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var names []string
	inside := false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			inside = strings.TrimSpace(strings.TrimLeft(line, "#")) == heading
		case inside && strings.HasPrefix(line, "|"):
			first, _, _ := strings.Cut(line[1:], "|")
			for _, m := range quoted.FindAllStringSubmatch(first, -1) {
				names = append(names, m[1])
			}
		case inside && len(names) > 0:
			return names, nil
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("doctable: %s has no table under %q", path, heading)
	}
	return names, nil
}

// Fields returns the names that a struct's fields have in JSON, those of embedded
// structs among them.
func Fields(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && !f.Anonymous && name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// Compare says in one line each which names one side lacks, and which stand twice.
func Compare(documented, inCode []string) []string {
	var faults []string
	for _, name := range without(inCode, documented) {
		faults = append(faults, fmt.Sprintf("the page lacks %q", name))
	}
	for _, name := range without(documented, inCode) {
		faults = append(faults, fmt.Sprintf("the page has %q, and the code does not", name))
	}
	for i, name := range documented {
		if slices.Contains(documented[:i], name) {
			faults = append(faults, fmt.Sprintf("the page has %q twice", name))
		}
	}
	return faults
}

// without returns the names of a that b lacks, each once, sorted.
func without(a, b []string) []string {
	a = slices.Compact(slices.Sorted(slices.Values(a)))
	return slices.DeleteFunc(a, func(name string) bool { return slices.Contains(b, name) })
}
