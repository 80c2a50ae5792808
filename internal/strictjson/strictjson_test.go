package strictjson

import (
	"strings"
	"testing"
)

func TestUnmarshal(t *testing.T) {
	for _, c := range []struct{ text, refused string }{
		{`{"width": 3}`, ""},
		{` {} `, ""},
		{`{"widht": 3}`, `"widht"`},
		{`{"width": "3"}`, "Width"},
		{`{"width": 3} {}`, "more than one"},
		{`{"width": 3`, "EOF"},
		{``, "EOF"},
	} {
		x := struct{ Width, Depth int }{1, 2}
		err := Unmarshal([]byte(c.text), &x)
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s: %v, want %q", c.text, err, c.refused)
		}
		if err == nil && x.Depth != 2 {
			t.Errorf("%s: a field that it lacks is %d", c.text, x.Depth)
		}
	}
}

func TestTwice(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": 1, "a": 2}`:                           "a",
		`{"a": {"b": 1}, "b": "b", "c": "b"}`:        "",
		`{"a": [{"b": 1}, {"b": {"c": 1, "c": 1}}]}`: "c",
		`{"a": {}, "b": [], "a": []}`:                "a",
		`["a", "a", {"a": ["a"]}]`:                   "",
		`{"a": "x", "\u0061": "y"}`:                  "a",
		`3`:                                          "",
	} {
		if got := Twice([]byte(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
