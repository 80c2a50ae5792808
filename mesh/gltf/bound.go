package gltf

import (
	"fmt"

	"github.com/morton-gen/morton/mesh/limit"
)

// bound is the largest number of elements of an accessor and the name of its
// limit. Without a name the rest of the file sets the limit.
type bound struct {
	most int
	name limit.Name
}

func vertexBound(left int) bound { return bound{left, limit.Vertices} }
func cornerBound(left int) bound { return bound{left, limit.Corners} }

// check returns an error if an accessor has more than b.most elements: one
// wrapping [ErrLimit] that names the limit, or [ErrCorrupt] without a limit.
func (r *reader) check(b bound, accessor, count int) error {
	if count <= b.most {
		return nil
	}
	var over error
	switch b.name {
	case limit.Vertices:
		over = limit.Over(b.name, int64(r.lim.Vertices))
	case limit.Corners:
		over = limit.Over(b.name, int64(r.lim.Corners))
	case limit.JSONObjects:
		over = limit.Over(b.name, int64(r.lim.JSONObjects))
	default:
		return fmt.Errorf("%w: accessor %d has %d elements, the mesh has %d vertices", ErrCorrupt, accessor, count, b.most)
	}
	return fmt.Errorf("accessor %d has %d elements: %w", accessor, count, over)
}
