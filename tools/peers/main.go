package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
)

var errFlags = errors.New("peers list, triangles, table or picture; -h shows its flags")

func main() {
	commands := map[string]func([]string, io.Writer) error{"list": list, "triangles": triangles, "table": table, "picture": picture}
	err := errFlags
	if len(os.Args) > 1 && commands[os.Args[1]] != nil {
		err = commands[os.Args[1]](os.Args[2:], os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func newFlags(name string, out io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("peers "+name, flag.ContinueOnError)
	f.SetOutput(out)
	return f
}

// list prints files of folders: one of each model in turn, so that a model of many
// parts does not fill the list. Copies of one shape count once.
func list(args []string, out io.Writer) error {
	f := newFlags("list", out)
	seed := f.Uint64("seed", 1, "decides the files and their order")
	count := f.Int("count", 100, "files")
	if err := f.Parse(args); err != nil {
		return err
	}
	models, err := byModel(f.Args())
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(*seed, 0))
	rng.Shuffle(len(models), func(i, j int) { models[i], models[j] = models[j], models[i] })
	for _, files := range models {
		rng.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	}
	seen := map[string]bool{}
	for round, left := 0, *count; left > 0; round++ {
		any := false
		for _, files := range models {
			if round >= len(files) || left == 0 {
				continue
			}
			any = true
			m, err := read(files[round])
			if err != nil || mesh.CheckArea(m) != nil {
				continue
			}
			if s := mesh.Signature(m); !seen[s] {
				seen[s] = true
				left--
				fmt.Fprintln(out, files[round])
			}
		}
		if !any {
			return fmt.Errorf("%d files are missing", left)
		}
	}
	return nil
}

// byModel groups the mesh files in folders by the model that they are parts of.
func byModel(folders []string) ([][]string, error) {
	index := map[string]int{}
	var all [][]string
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !slices.Contains([]string{".obj", ".glb", ".gltf", ".ply", ".stl", ".off"}, strings.ToLower(filepath.Ext(path))) {
				return err
			}
			model, _, _ := strings.Cut(name(path), "_part")
			if _, ok := index[model]; !ok {
				index[model] = len(all)
				all = append(all, nil)
			}
			all[index[model]] = append(all[index[model]], path)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// name is what a file is called in tables, and its results are called.
func name(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// read reads a mesh with equal places joined.
func read(path string) (*mesh.Mesh, error) {
	m, _, err := meshfile.Read(path, meshfile.Options{})
	if err != nil {
		return nil, err
	}
	m, _ = mesh.Weld(m, 0)
	m, _ = mesh.RemoveDegenerate(m)
	m, _ = mesh.RemoveUnused(m)
	return m, nil
}

func readList(path string) (files []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		files = append(files, s.Text())
	}
	return files, nil
}

// triangles writes the files of a list for the peers.
func triangles(args []string, out io.Writer) error {
	f := newFlags("triangles", out)
	from, to := f.String("list", "", "`file` that list printed"), f.String("out", "", "`folder`")
	if err := f.Parse(args); err != nil {
		return err
	}
	files, err := readList(*from)
	if err != nil {
		return err
	}
	for _, path := range files {
		m, err := read(path)
		if err != nil {
			return err
		}
		m, _ = mesh.Orient(m)
		m, _ = mesh.Triangulate(m)
		if err := meshfile.Write(filepath.Join(*to, name(path)+".obj"), m); err != nil {
			return err
		}
	}
	return nil
}
