package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/meshfile"
)

// converted reports what convert wrote and what it dropped.
type converted struct {
	Input  string   `json:"input"`
	Output string   `json:"output"`
	Faces  int      `json:"faces"` // of the mesh that was read
	Quads  int      `json:"quads"`
	Ngons  int      `json:"ngons"` // five corners or more
	Lost   []string `json:"lost"`
}

// newConverted counts the faces of m, the mesh read, and of the file written.
func newConverted(c conversion, m *mesh.Mesh, info meshfile.Info) (*converted, error) {
	d := &converted{Input: c.from, Output: c.to, Lost: []string{}}
	d.Faces, d.Quads, d.Ngons = census(m)
	d.loseReading(info)
	back, _, err := meshfile.Read(c.to, meshfile.Options{Limits: limit.Unlimited()})
	if err != nil {
		return nil, ofFile(c.to, err)
	}
	d.loseWriting(back)
	return d, nil
}

func census(m *mesh.Mesh) (faces, quads, ngons int) {
	for f := range m.NumFaces() {
		switch n := len(m.Face(f)); {
		case n == 4:
			quads++
		case n > 4:
			ngons++
		}
	}
	return m.NumFaces(), quads, ngons
}

// lose records that n things are dropped, with the words for one and for
// several.
func (d *converted) lose(n int, one, several string) {
	switch {
	case n == 1:
		d.Lost = append(d.Lost, "1 "+one)
	case n > 1:
		d.Lost = append(d.Lost, fmt.Sprintf("%d %s", n, several))
	}
}

// loseReading records what the file contained besides the surface.
func (d *converted) loseReading(i meshfile.Info) {
	d.lose(i.Materials, "material", "materials")
	d.lose(i.DroppedFaces, "face of fewer than three corners", "faces of fewer than three corners")
	d.lose(i.DroppedVertices, "vertex that is not finite", "vertices that are not finite")
	d.lose(i.SkippedElements, "element without area", "elements without area")
	d.lose(i.Hidden, "hidden node", "hidden nodes")
	d.lose(i.Scenes-1, "other scene", "other scenes")
	if i.Instances > 1 {
		d.Lost = append(d.Lost, fmt.Sprintf("the tree of %d objects (one now)", i.Instances))
	}
	d.lose(i.Skinned, "skin (applied)", "skins (applied)")
	d.lose(i.Morphed, "mesh's morph targets (applied)", "meshes' morph targets (applied)")
	if len(i.Ignored) > 0 {
		d.Lost = append(d.Lost, "extensions "+strings.Join(i.Ignored, " "))
	}
}

// loseWriting compares the mesh read with the contents of the written file.
func (d *converted) loseWriting(back *mesh.Mesh) {
	faces, quads, ngons := census(back)
	d.lose(d.Quads-quads, "quad (triangles now)", "quads (triangles now)")
	d.lose(d.Ngons-ngons, "face of five corners or more (in parts now)", "faces of five corners or more (in parts now)")
	d.lose(d.Faces-faces, "face", "faces")
}

// String returns the line printed for users.
func (d *converted) String() string {
	text := fmt.Sprintf("%s -> %s: %d faces, %d quads, %d larger", filepath.Clean(d.Input), filepath.Clean(d.Output), d.Faces, d.Quads, d.Ngons)
	if len(d.Lost) > 0 {
		text += "; not kept: " + strings.Join(d.Lost, ", ")
	}
	return text
}
