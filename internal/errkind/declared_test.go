package errkind_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// callersFaults are sentinels of the media packages that no input can cause, or that
// another with a kind wraps: they report a wrong call.
var callersFaults = map[string]bool{
	"codecs/clip.ErrRate": true, "codecs/clip.ErrShape": true, "codecs/cube.ErrSize": true, "codecs/safetensors.ErrClosed": true,
	"codecs/picture.ErrShape": true, "codecs/shard.ErrClosed": true, "codecs/video.ErrOptions": true, "mesh/compare.ErrOptions": true,
	"mesh/draw.ErrOptions": true, "mesh/meshopt.ErrCorrupt": true, "mesh/meshopt.ErrVersion": true, "mesh/sequence.ErrOptions": true,
	"mesh/sequence.ErrRange": true,
}

// TestSentinelsOfInputsHaveKinds: a new sentinel of a package that reads inputs has a
// kind, or stands in the list above. Without either its failures would be "internal".
func TestSentinelsOfInputsHaveKinds(t *testing.T) {
	found := map[string]int{}
	for _, top := range []string{"codecs", "mesh", "octree"} {
		err := filepath.WalkDir(filepath.Join("../..", top), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			dir := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../../")
			for name, by := range sentinels(file) {
				found[by]++
				if by == "errors" && !callersFaults[dir+"."+name] {
					t.Errorf("%s.%s has no kind: declare it by errkind.New, and explain the kind in docs/reference/failures.md", dir, name)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found["errkind"] < 40 || found["errors"] != len(callersFaults) {
		t.Errorf("found %v, %d of them without a kind are known", found, len(callersFaults))
	}
}

// sentinels returns the exported errors that a file declares by X.New, with X.
func sentinels(file *ast.File) map[string]string {
	by := map[string]string{}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for i, value := range v.Values {
				call, ok := value.(*ast.CallExpr)
				if !ok || !v.Names[i].IsExported() {
					continue
				}
				if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "New" {
					if pkg, ok := f.X.(*ast.Ident); ok && (pkg.Name == "errors" || pkg.Name == "errkind") {
						by[v.Names[i].Name] = pkg.Name
					}
				}
			}
		}
	}
	return by
}
