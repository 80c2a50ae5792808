package furniture

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxCatalogBytes bounds a catalogue; the largest is 180 KB.
const maxCatalogBytes = 16 << 20

// readCatalog reads a catalogue: a Java properties file in Latin-1 with lines
// such as
//
//	name#7=Armchair
//	model#7=/blendswap-cc-0/armchair/armchair.obj
//	creator#7=Absfrm
//
// It returns the models whose file is OBJ, sorted by name.
func readCatalog(r io.Reader, prefix string) ([]Model, error) {
	entries := map[string]map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(r, maxCatalogBytes))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), "=")
		field, number, numbered := strings.Cut(key, "#")
		if !ok || !numbered || strings.HasPrefix(key, "#") {
			continue
		}
		if entries[number] == nil {
			entries[number] = map[string]string{}
		}
		entries[number][field] = unescape(value)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("furniture: catalogue: %w", err)
	}
	var models []Model
	for _, e := range entries {
		path := strings.TrimPrefix(e["model"], "/")
		if !strings.HasSuffix(strings.ToLower(path), ".obj") {
			continue
		}
		models = append(models, Model{Name: modelName(prefix, path), Title: e["name"], Creator: e["creator"], Path: path})
	}
	slices.SortFunc(models, func(a, b Model) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Path, b.Path))
	})
	return slices.CompactFunc(models, func(a, b Model) bool { return a.Path == b.Path }), nil
}

// unescape turns a Latin-1 property value with \uXXXX escapes into UTF-8, and
// tabs into spaces.
func unescape(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		c := rune(value[i])
		if c == '\\' && i+5 < len(value) && value[i+1] == 'u' {
			if n, err := strconv.ParseUint(value[i+2:i+6], 16, 16); err == nil {
				c = rune(n)
				i += 5
			}
		}
		if c == '\t' {
			c = ' '
		}
		b.WriteRune(c)
	}
	return strings.TrimSpace(b.String())
}
