package arrows

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Import is one import line.
type Import struct {
	File string // the importing file, slash-separated, from the module's root
	Path string // imported path
}

// Dir returns the importing folder, from the module's root.
func (i Import) Dir() string { return path.Dir(i.File) }

// made are the folders that our commands create in the module's root.
var made = []string{"bin", "corpus", "out", "shards"}

// Scan returns the imports of every Go file of the module at root, in the order
// of the walk. Like the go command it skips testdata, names that start with a
// dot or underscore, and nested modules. An unreadable or invalid file is an
// error.
func Scan(root string) ([]Import, error) {
	var imports []Import
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enter(file, filepath.ToSlash(name))
		}
		if strings.HasSuffix(name, ".go") {
			found, err := importsOf(file, filepath.ToSlash(name))
			imports = append(imports, found...)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("arrows.Scan: %w", err)
	}
	return imports, nil
}

// enter returns [fs.SkipDir] for a folder that is not part of the module.
func enter(folder, name string) error {
	if name == "." {
		return nil
	}
	base := path.Base(name)
	if base == "testdata" || base[0] == '.' || base[0] == '_' || slices.Contains(made, name) {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// importsOf parses one file's import lines.
func importsOf(file, name string) ([]Import, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var imports []Import
	for _, spec := range parsed.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		imports = append(imports, Import{File: name, Path: target})
	}
	return imports, nil
}
