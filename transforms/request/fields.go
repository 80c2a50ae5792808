package request

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/morton-gen/morton/internal/strictjson"
)

// Fields of a manifest line and of its "sampling".
var (
	allFields      = fieldsOf(reflect.TypeFor[Request]())
	samplingFields = fieldsOf(reflect.TypeFor[Sampling]())
)

// flagsOnly are flags that a line cannot set. As user fields they would be
// misleading.
var flagsOnly = []string{"count", "device", "manifest", "model", "out", "overwrite", "precision", "shards"}

// fieldsOf returns the JSON names of a struct's fields.
func fieldsOf(t reflect.Type) []string {
	var all []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			all = append(all, name)
		}
	}
	return all
}

// splitLine separates the fields of [Request] from the user's own and rejects names that
// resemble one of ours. The family is the run's; in a run of any family the line has it.
func splitLine(line []byte, of Family) (ours map[string]json.RawMessage, own Extra, err error) {
	if line[0] == '[' {
		return nil, nil, errors.New("a list; a manifest has one object {…} a line, and nothing around them")
	}
	if err := json.Unmarshal(line, &ours); err != nil {
		return nil, nil, explain(err)
	}
	if ours == nil {
		return nil, nil, errors.New("null where an object {…} must be")
	}
	if name := strictjson.Twice(line); name != "" {
		return nil, nil, fmt.Errorf("%q is given twice", name)
	}
	if of == "" {
		_ = json.Unmarshal(ours["family"], &of) // invalid text is rejected with the line
	}
	known := lineFields(of)
	if kinds[of].fromPrompt {
		switch _, ok := ours["input"]; {
		case !ok:
			known = append(known, kinds[of].fields...)
		case namesFeatures(ours["text"]): // other text beside an input is the user's own
			known = append(known, "text", "guidance", "guidance_tokens")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		if slices.Contains(known, name) {
			continue
		}
		if err := refuseNear(name, known); err != nil {
			return nil, nil, err
		}
		if own == nil {
			own = Extra{}
		}
		own[name] = ours[name]
		delete(ours, name)
	}
	return ours, own, nil
}

// namesFeatures reports whether a value is the name of a file of features rather than a
// caption.
func namesFeatures(value json.RawMessage) bool {
	var text string
	return json.Unmarshal(value, &text) == nil && isFeatures(text)
}

func refuseNear(name string, known []string) error {
	const way = `; a field of your own with that name goes into "extra"`
	if near := Nearest(name, known); near != "" {
		return fmt.Errorf("unknown field %q; did you mean %q?%s", name, near, way)
	}
	if near := Nearest(name, samplingFields); near != "" {
		return fmt.Errorf(`unknown field %q; did you mean "sampling": {%q: …}?%s`, name, near, way)
	}
	if slices.Contains(flagsOnly, name) {
		return fmt.Errorf("%q is a flag of the command, not a field%s", name, way)
	}
	return nil
}

// Nearest returns the known name closest to name, or "" if none is close. Short
// names allow fewer changes, since many words resemble them.
func Nearest(name string, known []string) string {
	spelled := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	best, least := "", 3
	for _, k := range known {
		plain := strings.NewReplacer("-", "", "_", "").Replace(k)
		allowed := 2
		switch {
		case len(plain) < 3:
			allowed = 0
		case len(plain) < 6:
			allowed = 1
		}
		if d := distance([]rune(spelled), []rune(plain)); d <= allowed && d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is the edit distance, with swaps of neighbouring letters.
func distance(a, b []rune) int {
	const far = 3 // more than any caller needs
	if len(a)-len(b) >= far || len(b)-len(a) >= far {
		return far
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := range a {
		before, last, row := rows[0], rows[1], rows[2]
		row[0] = i + 1
		for j := range b {
			cost := last[j]
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		rows = [3][]int{last, row, before}
	}
	return rows[1][len(b)]
}
