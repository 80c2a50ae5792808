package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/tools/corpus/furniture"
)

// attributionFile lies beside the corpus' folders: CC BY wants the creator and
// the licence of every part named.
const attributionFile = "ATTRIBUTION.tsv"

var attributionColumns = []string{
	"file", "model", "title", "creator", "credit", "library", "licence", "licence_url", "vertices", "faces", "quads", "larger", "closed",
}

// attribution collects one row a file.
type attribution struct{ text strings.Builder }

func newAttribution() *attribution {
	a := &attribution{}
	a.text.WriteString(strings.Join(attributionColumns, "\t") + "\n")
	return a
}

// add appends the row of one mesh file, named relative to the corpus.
func (a *attribution) add(file string, m furniture.Model, l furniture.Library, s stats) {
	fmt.Fprintf(&a.text, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%t\n",
		file, m.Name, m.Title, m.Creator, l.Credit, l.File, l.License, l.LicenseURL, s.vertices, s.faces, s.quads, s.larger, s.closed)
}

func (a *attribution) write(out string) error {
	return os.WriteFile(filepath.Join(out, attributionFile), []byte(a.text.String()), 0o644)
}

// stats are what decides whether a mesh belongs to a corpus.
type stats struct {
	vertices, faces, quads int
	larger                 int // faces of five corners and more
	closed                 bool
}

// measure counts a welded mesh. It is closed if every edge has two faces.
func measure(m *mesh.Mesh) stats {
	s := stats{vertices: len(m.Vertices), faces: m.NumFaces(), closed: true}
	for f := range s.faces {
		switch n := len(m.Face(f)); {
		case n == 4:
			s.quads++
		case n > 4:
			s.larger++
		}
	}
	edges := mesh.BuildEdges(m)
	for e := range edges.Len() {
		if edges.Starts[e+1]-edges.Starts[e] != 2 {
			s.closed = false
			break
		}
	}
	return s
}

// quadDominant says whether at least half the faces have four corners.
func (s stats) quadDominant() bool { return 2*s.quads >= s.faces }
