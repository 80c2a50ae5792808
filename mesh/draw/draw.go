package draw

import (
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/morton-gen/morton/mesh"
)

// ErrOptions reports invalid options.
var ErrOptions = errors.New("bad options")

// Options set the view. The zero value looks from the front: along the z axis
// from high z, with y up.
type Options struct {
	Size      int     // width and height in pixels; 0 means 256
	Azimuth   float64 // degrees to the right around the y axis
	Elevation float64 // degrees up, -90 to 90
	NoEdges   bool    // leaves out the edges of the polygons

	// Inside is drawn whole over m, which is faded, such as bones over a surface. Its edges are left out.
	Inside *mesh.Mesh
}

// MaxSize is the largest picture: its buffers take 400 MB.
const MaxSize = 2048

// samples is the number of samples along each side of a pixel.
const samples = 3

// Validate returns an error wrapping [ErrOptions] if a field is out of range.
func (o Options) Validate() error {
	switch {
	case o.Size < 0 || o.Size > MaxSize:
		return fmt.Errorf("%w: size %d, maximum %d", ErrOptions, o.Size, MaxSize)
	case math.IsNaN(o.Azimuth) || math.IsInf(o.Azimuth, 0):
		return fmt.Errorf("%w: azimuth %g", ErrOptions, o.Azimuth)
	case !(math.Abs(o.Elevation) <= 90):
		return fmt.Errorf("%w: elevation %g, -90 to 90", ErrOptions, o.Elevation)
	}
	return nil
}

// Draw returns an opaque picture of m in parallel projection, centred, scaled to
// fill it, and flat-shaded by a light from the viewer's left. Front faces are
// grey and back faces red, so red shows a flipped face or the inside of an open
// surface. Polygon edges are dark lines; edges of the triangulation are not
// drawn.
//
// It returns an error wrapping [ErrOptions], [mesh.ErrEmpty], [mesh.ErrFace] or
// [mesh.ErrNotFinite].
func Draw(m *mesh.Mesh, o Options) (*image.RGBA, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("draw.Draw: %w", err)
	}
	if o.Size == 0 {
		o.Size = 256
	}
	placed, to, _, err := mesh.Normalize(m, 1)
	if err != nil {
		return nil, fmt.Errorf("draw.Draw: %w", err)
	}
	c := newCanvas(o.Size * samples)
	move := c.place(placed, o)
	c.surface(placed, front, back)
	if !o.NoEdges {
		for _, ends := range mesh.BuildEdges(placed).Ends {
			c.line(placed.Vertices[ends[0]], placed.Vertices[ends[1]])
		}
	}
	if o.Inside != nil {
		if err := o.Inside.Validate(); err != nil {
			return nil, fmt.Errorf("draw.Draw: inside: %w", err)
		}
		inside := mesh.Transformed(o.Inside, to.Matrix())
		for v, p := range inside.Vertices {
			inside.Vertices[v] = move(p)
		}
		c.fade()
		c.surface(inside, bone, bone)
	}
	return c.picture(o.Size), nil
}
