package main

import (
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
)

type meshInspection struct {
	meshfile.Options
	lost bool // measure losses even of a large mesh
}

// inspectMesh reads a mesh file and measures it. Meshes without area are
// rejected, as in generate and tokenize.
func inspectMesh(path string, size int64, how meshInspection) (facts, error) {
	m, info, err := meshfile.Read(path, how.Options)
	if err != nil {
		return nil, err
	}
	if err := mesh.CheckArea(m); err != nil {
		return nil, err
	}
	r, err := mesh.Measure(m)
	if err != nil {
		return nil, err
	}
	var f facts
	f.add("kind", string(info.Format)+" mesh")
	f.addFile(&info)
	f.add("unused_vertices", r.UnusedVertices+info.DroppedVertices)
	f.add("degenerate_faces", r.DegenerateFaces+info.DroppedFaces)
	f.addSurface(&r)
	f.add("bytes", size)
	f.addLost(m, how.lost)
	return f, nil
}

// addFile adds the file's own counts.
func (f *facts) addFile(i *meshfile.Info) {
	f.add("file_vertices", i.Vertices)
	f.add("file_faces", i.Faces)
	if i.SkippedElements > 0 {
		f.add("skipped_elements", i.SkippedElements) // points and lines
	}
	if i.Generator != "" {
		f.add("generator", i.Generator)
	}
	if i.Format != meshfile.GLTF {
		return
	}
	f.add("scene", i.Scene)
	f.add("scenes", i.Scenes)
	f.add("instances", i.Instances)
	f.add("hidden_nodes", i.Hidden)
	f.add("mirrored", i.Mirrored)
	f.add("skins", i.Skinned)
	f.add("joints", i.Joints)
	f.add("morphs", i.Morphed)
	f.add("extensions", names(i.Extensions))
	f.add("extensions_ignored", names(i.Ignored))
}

// names is printed as words, and is a list in JSON.
type names []string

func (n names) String() string {
	if len(n) == 0 {
		return "none"
	}
	return strings.Join(n, ", ")
}

func (n names) MarshalJSON() ([]byte, error) { return marshalList([]string(n)) }

// addSurface adds the measures of the welded surface.
func (f *facts) addSurface(r *mesh.Report) {
	f.add("vertices", r.WeldedVertices)
	f.add("edges", r.Edges)
	f.add("faces", r.Faces)
	f.add("triangles", r.Triangles)
	f.add("quads", r.Quads)
	f.add("ngons", r.Ngons)
	f.add("quad_ratio", r.QuadRatio)
	f.add("duplicate_faces", r.DuplicateFaces)
	f.add("zero_area_faces", r.ZeroAreaFaces)
	f.add("euler", r.Euler)
	f.add("components", r.Components)
	f.add("watertight", r.Watertight)
	f.add("orientable", r.Orientable)
	f.add("consistent_winding", r.ConsistentWinding)
	f.add("boundary_edges", r.BoundaryEdges)
	f.add("non_manifold_edges", r.NonManifoldEdges)
	f.add("irregular_vertices", r.IrregularVertices)
	f.add("scaled_jacobian_mean", r.ScaledJacobianMean)
	f.add("scaled_jacobian_min", r.ScaledJacobianMin)
	f.add("area", r.Area)
	f.add("volume", r.Volume)
	f.add("bounds_min", r.BoundsMin)
	f.add("bounds_max", r.BoundsMax)
}
