package doctable

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	const page = "# Page\n\n| a | b |\n|---|---|\n| `not` | this |\n\n## Fields\n\nSome `words`.\n\n| field | what |\n|---|---|\n| `one` | is `more` |\n| `two`, `three` | x |\n\n| `other` | table |\n"
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := Names(path, "Fields"); err != nil || !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("%v, error %v", got, err)
	}
	for _, c := range [][2]string{{path, "Nothing"}, {path + "x", "Fields"}} {
		if got, err := Names(c[0], c[1]); err == nil {
			t.Errorf("%v: %v", c, got)
		}
	}
}

func TestFields(t *testing.T) {
	type inner struct {
		A    int `json:"a,omitempty"`
		Skip int `json:"-"`
	}
	type outer struct {
		inner
		B     int `json:"b"`
		Plain int
	}
	if got := Fields(reflect.TypeFor[outer]()); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v", got)
	}
}

func TestCompare(t *testing.T) {
	want := []string{`the page lacks "c"`, `the page has "x", and the code does not`, `the page has "a" twice`}
	if got := Compare([]string{"a", "x", "a"}, []string{"c", "a", "c"}); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Compare([]string{"b", "a"}, []string{"a", "b"}); len(got) > 0 {
		t.Errorf("%q", got)
	}
}
