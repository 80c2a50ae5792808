package faces

import (
	"math"

	"github.com/morton-gen/morton/gpu/ops/grammar"
	"github.com/morton-gen/morton/mesh"
)

const (
	guideStep = 0.5 // cells between places of a surface that are marked
	guideSeed = 2   // draws the points whose coverage is watched
	// A surface is level where its normal is within 18 degrees of the z axis.
	levelNormal = 0.95
)

// Guide returns the words by which grammar.Surface holds a face sequence of a number of
// faces to a normalised mesh; nil if there is no guide for the model's levels. The
// points that must be covered have a radius of a quarter of a face's side, 2 to 6 cells:
// a polygon of few sides around a curved part lies that far inside it. Time and memory
// grow with the area in cells, and with the faces of m.
func (c Config) Guide(m *mesh.Mesh, faces int) []uint32 {
	if grammar.SurfaceWords(c.Levels) == 0 {
		return nil
	}
	cells := func(x float64) float64 { return (x + 1) / 2 * float64(c.Levels) }
	side := math.Sqrt(mesh.Area(m)/float64(max(faces, 1))) / 2 * float64(c.Levels)
	g := grammar.NewGuide(c.Levels, float32(min(max(side/4, 2), 6)), faces)
	mark := func(p mesh.Vec3) { g.Mark(cells(p[0]), cells(p[1]), cells(p[2])) }
	triangles, _ := mesh.Triangulate(m)
	step := guideStep * 2 / float64(c.Levels)
	for t := range triangles.NumFaces() {
		f := triangles.Face(t)
		along(triangles.Vertices[f[0]], triangles.Vertices[f[1]], triangles.Vertices[f[2]], step, mark)
	}
	welded, _ := mesh.Weld(m, 0)
	edges := mesh.BuildEdges(welded)
	for e := range edges.Len() {
		if edges.IsBoundary(int32(e)) {
			a, b := welded.Vertices[edges.Ends[e][0]], welded.Vertices[edges.Ends[e][1]]
			along(a, b, b, step, func(p mesh.Vec3) { g.MarkRim(cells(p[0]), cells(p[1]), cells(p[2])) })
		}
	}
	points, normals, _ := mesh.SampleSurface(m, grammar.GuidePoints, guideSeed)
	for i, p := range points {
		g.Watch(cells(p[0]), cells(p[1]), cells(p[2]), math.Abs(normals[i][2]) > levelNormal)
	}
	return g.Words()
}

// along visits places of a triangle that are no further apart than step, its corners with
// them.
func along(a, b, c mesh.Vec3, step float64, visit func(mesh.Vec3)) {
	u, v := b.Sub(a), c.Sub(a)
	n := int(math.Ceil(max(u.Len(), v.Len(), u.Sub(v).Len())/step)) + 1
	for i := range n + 1 {
		x := a.Add(u.Scale(float64(i) / float64(n)))
		if u == v { // an edge
			visit(x)
			continue
		}
		for j := range n - i + 1 {
			visit(x.Add(v.Scale(float64(j) / float64(n))))
		}
	}
}
