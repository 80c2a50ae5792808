package gallery

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/morton-gen/morton/internal/atomicfile"
)

//go:embed assets
var assets embed.FS

var page = template.Must(template.New("page.tmpl").Funcs(template.FuncMap{
	"style":   func() (template.CSS, error) { s, err := asset("style.css"); return template.CSS(s), err },
	"program": program,
	"link":    link,
	"seconds": seconds,
}).ParseFS(assets, "assets/*.tmpl"))

// geometryFolder has the scripts of meshes, below the page's folder.
const geometryFolder = "gallery"

// Write writes dir/index.html and the scripts it loads, dir/gallery/*.js, and
// removes unused scripts there. It creates dir if necessary. The page is
// written last and renamed, so a reader never sees a part of it.
//
// The error wraps [ErrItem] or [ErrGeometry], before anything is written, or is
// the file system's. The bytes depend on p alone.
func Write(dir string, p Page) error {
	if err := p.validate(); err != nil {
		return fmt.Errorf("gallery.Write: %w", err)
	}
	if err := write(dir, &p); err != nil {
		return fmt.Errorf("gallery.Write: %w", err)
	}
	return nil
}

func write(dir string, p *Page) error {
	folder := filepath.Join(dir, geometryFolder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	v := newView(p)
	used := map[string]bool{}
	for i := range v.Cards {
		c := &v.Cards[i]
		key, text, err := script(&c.Item)
		if err != nil {
			return err
		}
		c.Key = key
		if key == "" {
			continue
		}
		used[key+".js"] = true
		if err := place(filepath.Join(folder, key+".js"), text); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	if err := render(&out, v); err != nil {
		return err
	}
	if err := place(filepath.Join(dir, "index.html"), out.Bytes()); err != nil {
		return err
	}
	return sweep(folder, used)
}

func render(w io.Writer, v *view) error { return page.Execute(w, v) }

// place writes data to path atomically.
func place(path string, data []byte) error {
	return atomicfile.Replace(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

var scriptName = regexp.MustCompile(`^[0-9a-f]{16}\.js$`)

// sweep removes scripts of earlier pages.
func sweep(folder string, used map[string]bool) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		if scriptName.MatchString(f.Name()) && !used[f.Name()] {
			if err := os.Remove(filepath.Join(folder, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func asset(name string) (string, error) {
	data, err := assets.ReadFile("assets/" + name)
	return string(data), err
}

// program is the page's script, in order of dependence.
func program() (template.JS, error) {
	var all strings.Builder
	for _, name := range []string{"geometry.js", "matrix.js", "stage.js", "viewer.js", "video.js", "page.js"} {
		text, err := asset(name)
		if err != nil {
			return "", err
		}
		all.WriteString(text)
	}
	return template.JS(all.String()), nil
}

// link turns a path into a URL with special characters escaped.
func link(path string) template.URL {
	parts := strings.Split(filepath.ToSlash(path), "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	if filepath.IsAbs(path) {
		return template.URL("file://" + strings.Join(parts, "/"))
	}
	return template.URL("./" + strings.Join(parts, "/"))
}
