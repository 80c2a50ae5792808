package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/interrupt"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/request"
)

// Reasons why convert does not write a file.
var (
	errExists  = errors.New("the file exists (--overwrite replaces it)")
	errIsInput = errors.New("it is an input, and inputs are never overwritten")
)

type convertFlags struct {
	flags *pflag.FlagSet

	input     []string
	to, out   string
	read      meshfile.Options
	overwrite bool
	json      bool
}

func newConvertFlags() *convertFlags {
	g := &convertFlags{flags: newFlags("convert")}
	f := g.flags
	f.StringArrayVar(&g.input, "input", nil, "files that match `PATTERN`: quoted, with *, ? and ** (any folders); may be given again")
	f.StringVar(&g.to, "to", "", "write `FORMAT`: obj, glb, ply, stl or off")
	f.StringVar(&g.out, "out", "", "write to the folder `DIR`; each file keeps its name")
	addMeshFlags(f, &g.read.Limits, &g.read.Scene)
	f.BoolVar(&g.overwrite, "overwrite", false, "replace existing files; an input is never replaced")
	f.BoolVar(&g.json, "json", false, "print one JSON object a line for each file")
	return g
}

func convertCommand(t terminal) *cobra.Command {
	c := newCommand("convert IN OUT | convert IN... --to FORMAT --out DIR", "convert")
	g := newConvertFlags()
	c.Flags().AddFlagSet(g.flags)
	completeFolders(g.flags, "out")
	complete(c, "to", strings.Split(strings.ReplaceAll(strings.Join(meshfile.Written, " "), ".", ""), " ")...)
	completeMeshFlags(c)
	c.RunE = func(c *cobra.Command, inputs []string) error { return g.run(c.Context(), t, inputs) }
	return c
}

// conversion is a file to read and one to write.
type conversion struct{ from, to string }

func (g *convertFlags) run(ctx context.Context, t terminal, inputs []string) error {
	all, err := g.plan(append(g.input, inputs...))
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := notInput(c.to, all); err != nil {
			return usagef("convert", "convert: %s: %v; nothing was written", c.to, err)
		}
	}
	if g.out != "" {
		if err := os.MkdirAll(g.out, 0o755); err != nil {
			return err
		}
	}
	failed := 0
	for _, c := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		done, err := g.convert(ctx, c, all)
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			failed++
			fmt.Fprintln(t.err, "morton: "+firstLine(plain(err)))
			continue
		}
		if err := g.say(t, done); err != nil {
			return err
		}
	}
	if failed > 0 {
		return errSomeFailed
	}
	return nil
}

// plan pairs each input with its output.
func (g *convertFlags) plan(inputs []string) ([]conversion, error) {
	wrong := func(format string, args ...any) ([]conversion, error) {
		return nil, usagef("convert", "convert: "+format, args...)
	}
	formats := strings.ReplaceAll(strings.Join(meshfile.Written, ", "), ".", "")
	switch {
	case g.to == "" && g.out == "" && len(inputs) == 2:
		if !slices.Contains(meshfile.Written, strings.ToLower(filepath.Ext(inputs[1]))) {
			return wrong("%s: the name of a mesh to write ends in one of %s", inputs[1], strings.Join(meshfile.Written, ", "))
		}
		return []conversion{{inputs[0], inputs[1]}}, nil
	case len(inputs) == 0:
		return wrong("give a file and the file to write, or files with --to and --out")
	case g.to == "" || g.out == "":
		return wrong("--to says the format (%s) and --out the folder", formats)
	case !slices.Contains(meshfile.Written, "."+g.to):
		return wrong("--to %s: it is one of %s", g.to, formats)
	}
	paths, err := request.Match(inputs)
	if err != nil {
		return wrong("%v", err)
	}
	named, err := request.FromPaths(paths, request.Request{})
	if err != nil {
		return wrong("%v", err)
	}
	var all []conversion
	for _, r := range named {
		all = append(all, conversion{r.Input, filepath.Join(g.out, r.ID+"."+g.to)})
	}
	return all, nil
}

// convert reads a mesh and writes it unless the output exists.
func (g *convertFlags) convert(ctx context.Context, c conversion, all []conversion) (*converted, error) {
	if err := g.checkPlace(c.to, all); err != nil {
		return nil, fmt.Errorf("%s: not written: %w", c.to, err)
	}
	var info meshfile.Info
	m, err := interrupt.Value(ctx, func() (m *mesh.Mesh, err error) {
		m, info, err = meshfile.Read(c.from, g.read)
		return m, err
	})
	if err != nil {
		return nil, ofFile(c.from, err)
	}
	if err := g.write(c.to, m); err != nil {
		return nil, ofFile(c.to, err)
	}
	return newConverted(c, m, info)
}

// write writes a mesh. Without --overwrite it replaces no file, even one created
// meanwhile.
func (g *convertFlags) write(path string, m *mesh.Mesh) error {
	if g.overwrite {
		return meshfile.Write(path, m)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	aside, err := atomicfile.CreateFolder(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer aside.Remove()
	temp := aside.Path(filepath.Base(path))
	if err := meshfile.Write(temp, m); err != nil {
		return err
	}
	if err := atomicfile.Move(temp, path); errors.Is(err, fs.ErrExist) {
		return errExists
	} else if err != nil {
		return err
	}
	return nil
}

// checkPlace rejects an output that is an input, by any path or link, or that
// exists.
func (g *convertFlags) checkPlace(path string, all []conversion) error {
	if err := notInput(path, all); err != nil {
		return err
	}
	_, err := os.Lstat(path) // also finds a dangling link
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !g.overwrite:
		return errExists
	}
	return nil
}

// notInput returns errIsInput if a path is one of the inputs.
func notInput(path string, all []conversion) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	for _, c := range all {
		if in, err := os.Stat(c.from); err == nil && os.SameFile(info, in) {
			return errIsInput
		}
	}
	return nil
}

func (g *convertFlags) say(t terminal, c *converted) error {
	if g.json {
		return json.NewEncoder(t.out).Encode(c)
	}
	_, err := fmt.Fprintln(t.out, c)
	return err
}
