package meshfile

import (
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/build"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/mesh/off"
	"github.com/morton-gen/morton/mesh/ply"
	"github.com/morton-gen/morton/mesh/stl"
)

// Options control how a file is read. The zero value is ready for use.
type Options struct {
	Limits limit.Limits
	// Scene selects the scene of a glTF file. Nil means its default scene, or
	// the first if the file names none. Other formats ignore it.
	Scene *int
}

// Info describes a file's contents, whatever its format.
type Info struct {
	Format    Format
	Generator string // the program that wrote the file, if known

	Vertices        int // as in the file, before any are joined; glTF over all instances
	Faces           int // as in the file, dropped ones included
	DroppedFaces    int // fewer than three distinct corners
	DroppedCorners  int // equal to the corner before
	DroppedVertices int // not finite and unused
	SkippedElements int // points and lines, which have no area

	Materials int // named in an OBJ or in a glTF document; they are not read
	Scene     int // glTF: the scene that was read
	Scenes    int // glTF: scenes in the file
	Hidden    int // glTF: nodes that the file hides, with what is below them
	Instances int // glTF: objects shown; a mesh shown twice counts twice
	Skinned   int // glTF: instances posed by a skin
	Joints    int // glTF: of those skins; one of several counts once
	Morphed   int // glTF: primitives moved by morph targets
	Mirrored  int // glTF: primitives whose winding was reversed

	Extensions []string // glTF: all that the file uses
	Ignored    []string // glTF: those of Extensions without effect here
}

// Read reads the mesh file at path in the format that [Detect] returns.
//
// The error is Detect's or that of the format's package. A file whose faces all
// have zero area is read: see [mesh.CheckArea].
func Read(path string, o Options) (*mesh.Mesh, Info, error) {
	format, err := Detect(path)
	if err != nil {
		return nil, Info{}, err
	}
	switch format {
	case GLTF:
		return readGLTF(path, o)
	case PLY:
		m, i, err := ply.ReadFile(path, o.Limits)
		return m, counted(PLY, i.Counts), err
	case STL:
		m, i, err := stl.ReadFile(path, o.Limits)
		return m, counted(STL, i.Counts), err
	case OFF:
		m, i, err := off.ReadFile(path, o.Limits)
		return m, counted(OFF, i), err
	default:
		return readOBJ(path, o)
	}
}

func counted(f Format, c build.Counts) Info {
	return Info{
		Format: f, Vertices: c.Vertices, Faces: c.Faces,
		DroppedFaces: c.DroppedFaces, DroppedCorners: c.DroppedCorners, DroppedVertices: c.DroppedVertices,
	}
}

func readOBJ(path string, o Options) (*mesh.Mesh, Info, error) {
	m, i, err := obj.ReadFile(path, o.Limits)
	return m, Info{
		Format: OBJ, Vertices: i.Vertices, Faces: i.Faces, DroppedFaces: i.DroppedFaces, DroppedCorners: i.DroppedCorners,
		DroppedVertices: i.DroppedVertices, SkippedElements: i.SkippedElements, Materials: names(i.Materials),
	}, err
}

// names counts the distinct names of parts.
func names(parts []obj.Part) int {
	all := map[string]bool{}
	for _, p := range parts {
		all[p.Name] = true
	}
	return len(all)
}

func readGLTF(path string, o Options) (*mesh.Mesh, Info, error) {
	m, i, err := gltf.Read(path, gltf.ReadOptions{Limits: o.Limits, Scene: o.Scene})
	return m, Info{
		Format: GLTF, Generator: i.Generator, Materials: i.Materials,
		Vertices: i.Vertices, Faces: i.Faces, DroppedFaces: i.Degenerate, SkippedElements: i.Skipped,
		Scene: max(i.Scene, 0), Scenes: i.Scenes, Hidden: i.Hidden, Instances: i.Instances,
		Skinned: i.Skinned, Joints: i.Joints, Morphed: i.Morphed, Mirrored: i.Mirrored,
		Extensions: i.ExtensionsUsed, Ignored: i.Ignored,
	}, err
}
