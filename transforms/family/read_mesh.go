package family

import (
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/request"
)

// ReadMesh reads a mesh file as [meshfile.Read] does, without options.
func ReadMesh(path string) (*mesh.Mesh, error) {
	m, _, err := meshfile.Read(path, meshfile.Options{})
	return m, err
}

// readSurface reads the mesh of a request, which must have area.
func readSurface(r request.Request, limits limit.Limits) (Media, error) {
	m, _, err := meshfile.Read(r.Input, meshfile.Options{Limits: limits, Scene: r.Scene})
	if err != nil {
		return Media{}, err
	}
	if err := mesh.CheckArea(m); err != nil {
		return Media{}, err
	}
	return Media{Mesh: m}, nil
}
