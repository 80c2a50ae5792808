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

// Write writes dir/index.html, further pages dir/gallery/2.html and so on where there are
// more than 200 items, and the scripts that they load, dir/gallery/*.js. It
// removes scripts and pages there that are of no use any more. dir is made if it is
// not there. The first page is written last, beside its place, and renamed, so a
// reader never sees half of it.
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
	b := newBook(p)
	used := map[string]bool{}
	for n := b.head.Pages; n >= 1; n-- { // the first page last
		v := b.page(p, n)
		if err := writeScripts(folder, v.Cards, used); err != nil {
			return err
		}
		if n > 1 {
			used[fmt.Sprint(n, ".html")] = true
		} else if v.Pages > 1 {
			used[findFile] = true
			text, err := findScript(b)
			if err != nil {
				return err
			}
			if err := place(filepath.Join(folder, findFile), text); err != nil {
				return err
			}
		}
		var out bytes.Buffer
		if err := page.Execute(&out, v); err != nil {
			return err
		}
		if err := place(filepath.Join(dir, filepath.FromSlash((&view{Number: 1}).href(n))), out.Bytes()); err != nil {
			return err
		}
	}
	return sweep(folder, used)
}

// writeScripts writes the meshes of a page, and notes the scripts in used. They are not
// synced, which takes longer than all else: after a power cut a mesh may be missing from the
// page until the next run.
func writeScripts(folder string, cards []card, used map[string]bool) error {
	for i := range cards {
		key, text, err := script(&cards[i].Item)
		if err != nil {
			return err
		}
		if cards[i].Key = key; key == "" || used[key+".js"] {
			continue
		}
		used[key+".js"] = true
		if err := os.WriteFile(filepath.Join(folder, key+".js"), text, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// place makes path hold data, or leaves it as it was.
func place(path string, data []byte) error {
	return atomicfile.Replace(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

var ownName = regexp.MustCompile(`^([0-9a-f]{16}|find)\.js$|^[0-9]+\.html$`)

// sweep removes scripts and pages of an earlier book.
func sweep(folder string, used map[string]bool) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		if ownName.MatchString(f.Name()) && !used[f.Name()] {
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
	for _, name := range []string{"geometry.js", "matrix.js", "stage.js", "viewer.js", "video.js", "find.js", "page.js"} {
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
