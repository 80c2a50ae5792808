package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/mesh/compare"
	"github.com/morton-gen/morton/mesh/meshfile"
)

// setComparison is what compare prints of two folders as JSON.
type setComparison struct {
	Made      string `json:"set"`
	Reference string `json:"reference"`
	Known     string `json:"known,omitempty"`
	Points    int    `json:"points"`
	Failed    int    `json:"failed"` // files that have no surface to compare
	*compare.SetReport
}

// runSets compares the meshes of two folders.
func (g *compareFlags) runSets(ctx context.Context, t terminal, made, reference string) error {
	for _, name := range []string{"samples", "threshold"} {
		if g.flags.Changed(name) {
			return usagef("compare", "compare: --%s is for two meshes; sets have --points", name)
		}
	}
	if g.points < 1 || g.points > compare.MaxCloud {
		return usagef("compare", "compare: --points is 1 to %d", compare.MaxCloud)
	}
	c := setComparison{Made: made, Reference: reference, Known: g.known, Points: g.points}
	var sets [3][]*compare.Cloud
	for i, folder := range []string{made, reference, g.known} {
		if folder == "" {
			continue
		}
		failed, err := g.clouds(ctx, t.err, folder, &sets[i])
		if err != nil {
			return err
		}
		c.Failed += failed
	}
	var err error
	if c.SetReport, err = compare.Sets(ctx, sets[0], sets[1], sets[2]); err != nil {
		return err
	}
	if g.json {
		err = printJSON(t, c)
	} else {
		err = c.print(t.out)
	}
	if err == nil && c.Failed > 0 {
		err = errSomeFailed
	}
	return err
}

// clouds reads the meshes of a folder, by name. Of files that differ in their extension alone,
// as generate writes them, it reads the first. It tells of files that have no mesh.
func (g *compareFlags) clouds(ctx context.Context, out io.Writer, folder string, to *[]*compare.Cloud) (failed int, err error) {
	list, err := os.ReadDir(folder)
	if err != nil {
		return 0, err
	}
	var files []string
	last := ""
	for _, e := range list { // by name
		ext := filepath.Ext(e.Name())
		if stem := strings.TrimSuffix(e.Name(), ext); !e.IsDir() && stem != last && slices.Contains(meshExtensions, strings.ToLower(ext)) {
			files, last = append(files, filepath.Join(folder, e.Name())), stem
		}
	}
	clouds, errs := make([]*compare.Cloud, len(files)), make([]error, len(files))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range files {
		all.Go(func() error {
			m, _, err := meshfile.Read(path, g.read)
			if err == nil {
				clouds[i], err = compare.NewCloud(m, g.points, g.seed)
			}
			errs[i] = err // a failed file is counted; an interrupt ends the run
			return ctx.Err()
		})
	}
	if err := all.Wait(); err != nil {
		return 0, err
	}
	for i, c := range clouds {
		if errs[i] != nil {
			failed++
			fmt.Fprintf(out, "left out: %v\n", ofFile(files[i], errs[i]))
			continue
		}
		*to = append(*to, c)
	}
	if len(*to) == 0 {
		return failed, &fileError{compare.ErrOptions, fmt.Sprintf("%s: no mesh among its files (%s)", folder, strings.Join(meshExtensions, ", "))}
	}
	return failed, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

var meshExtensions = []string{".glb", ".gltf", ".obj", ".off", ".ply", ".stl"}

func (c *setComparison) print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "set\t%s, %d meshes\n", c.Made, c.SetReport.Made)
	fmt.Fprintf(w, "reference\t%s, %d meshes\n", c.Reference, c.SetReport.Reference)
	if c.SetReport.Known != nil {
		fmt.Fprintf(w, "known\t%s, %d meshes\n", c.Known, c.SetReport.Known.Shapes)
	}
	fmt.Fprintf(w, "points\t%d of each mesh\n\n", c.Points)
	fmt.Fprintf(w, "coverage\t%.3f\tof the reference is the nearest of a mesh of the set\n", c.Coverage)
	fmt.Fprintf(w, "minimum matching\t%.3g\tmean distance from the reference to the set\n", c.MinimumMatching)
	fmt.Fprintf(w, "nearest neighbour\t%.3f\tof all are nearest to one of their own; 0.5 is best, 1 worst\n", c.NearestNeighbour)
	if k := c.SetReport.Known; k != nil {
		fmt.Fprintf(w, "from the known\t%.3g\tmedian of the set, %.3g the nearest; of the reference %.3g, %.3g\n", k.MadeMedian, k.MadeLeast, k.ReferenceMedian, k.ReferenceLeast)
	}
	return w.Flush()
}
