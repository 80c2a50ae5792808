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
