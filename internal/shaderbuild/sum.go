package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Variant is one output of one shader.
type Variant struct {
	Name, File string
	Flags      []string
	Glslc      string // required version; "" for the one on PATH
	Hash       string // of flags, source and includes
}

// Entry is the line of a variant in shaders.sum.
type Entry struct{ Source, Output string }

func hash(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:12])
}

// ShaderDirs lists the folders under root with .comp files.
func ShaderDirs(root string) ([]string, error) {
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(p) == ".comp" {
			seen[filepath.Dir(p)] = true
		}
		return err
	})
	var out []string
	for d := range seen {
		out = append(out, d)
	}
	sort.Strings(out)
	return out, err
}

// Variants lists the outputs of all shaders of a folder.
func Variants(root, dir string) ([]Variant, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.comp"))
	if err != nil {
		return nil, err
	}
	var out []Variant
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		found, glslc := false, ""
		for version := range after(src, "//morton:glslc ") {
			glslc = version
		}
		for rest := range after(src, "//morton:variant ") {
			found = true
			words := strings.Fields(rest)
			v := Variant{Name: words[0], File: f, Flags: words[1:], Glslc: glslc}
			if v.Hash, err = sourceHash(root, f, v.Flags, src); err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		if !found {
			return nil, fmt.Errorf("%s names no //morton:variant", f)
		}
	}
	return out, nil
}

// after yields the rest of each line that has a prefix.
func after(src []byte, prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(string(src)) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok && !yield(rest) {
				return
			}
		}
	}
}

// sourceHash covers the flags, the source, the files it includes in order, and the
// effect of [forbidContraction].
func sourceHash(root, file string, flags []string, src []byte) (string, error) {
	var b bytes.Buffer
	b.WriteString(strings.Join(flags, " ") + "\x00no contraction\x00")
	if err := expand(&b, root, file, src, 0); err != nil {
		return "", err
	}
	return hash(b.Bytes()), nil
}

func expand(b *bytes.Buffer, root, file string, src []byte, depth int) error {
	if depth > 8 {
		return fmt.Errorf("%s: includes nest too deep", file)
	}
	b.Write(src)
	for rest := range after(src, `#include "`) {
		name := strings.TrimSuffix(rest, `"`)
		inc, err := os.ReadFile(filepath.Join(filepath.Dir(file), name))
		path := filepath.Join(filepath.Dir(file), name)
		if errors.Is(err, fs.ErrNotExist) {
			path = filepath.Join(root, "lib", name)
			inc, err = os.ReadFile(path)
		}
		if err != nil {
			return err
		}
		if err := expand(b, root, path, inc, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// ReadSum reads a folder's shaders.sum; a missing file is an empty sum.
func ReadSum(dir string) (map[string]Entry, error) {
	out := map[string]Entry{}
	data, err := os.ReadFile(filepath.Join(dir, "shaders.sum"))
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	sc := bufio.NewScanner(bytes.NewReader(data))
	for sc.Scan() {
		w := strings.Fields(sc.Text())
		if len(w) != 3 {
			return nil, fmt.Errorf("%s/shaders.sum: bad line %q", dir, sc.Text())
		}
		out[strings.TrimSuffix(w[0], ".spv")] = Entry{w[1], w[2]}
	}
	return out, err
}

// WriteSum writes a folder's shaders.sum, sorted by name.
func WriteSum(dir string, sum map[string]Entry) error {
	var names []string
	for n := range sum {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "%s.spv %s %s\n", n, sum[n].Source, sum[n].Output)
	}
	return os.WriteFile(filepath.Join(dir, "shaders.sum"), []byte(b.String()), 0o644)
}

// Verify returns an error for the first stale, missing or unlisted binary of a
// folder. It needs no compiler.
func Verify(root, dir string) error {
	variants, err := Variants(root, dir)
	if err != nil {
		return err
	}
	sum, err := ReadSum(dir)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, v := range variants {
		names[v.Name] = true
		spv, err := os.ReadFile(filepath.Join(dir, v.Name+".spv"))
		if err != nil {
			return fmt.Errorf("%w (run make shaders)", err)
		}
		if want := (Entry{v.Hash, hash(spv)}); sum[v.Name] != want {
			return fmt.Errorf("%s/%s.spv is stale: shaders.sum has %v, the files give %v (run make shaders)", dir, v.Name, sum[v.Name], want)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.spv"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if !names[strings.TrimSuffix(filepath.Base(f), ".spv")] {
			return fmt.Errorf("%s is listed by no shader (run make shaders)", f)
		}
	}
	return nil
}
