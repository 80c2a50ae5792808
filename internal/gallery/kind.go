package gallery

import "slices"

// Family is one of the kinds of results.
type Family string

// The families, in the order a page shows them.
const (
	Video Family = "video"
	Image Family = "image"
	Shape Family = "shape"
	Quads Family = "quads"
	Rig   Family = "rig"
	// Remesh results are not random: their cards show no seed.
	Remesh Family = "remesh"
)

// kind is how the results of a family are shown. The panes of each medium have a file
// here.
type kind struct {
	family   Family
	label    string
	show     func(p *pane, it Item, m *Mesh)
	card     func(c *card) // nil for none
	seedless bool
}

var kinds = []kind{
	{family: Video, label: "Video", show: showVideo, card: timeline},
	{family: Image, label: "Images", show: showImage},
	{family: Shape, label: "Shapes", show: showMesh},
	{family: Quads, label: "Quad meshes", show: showMesh},
	{family: Rig, label: "Rigs", show: showRig},
	{family: Remesh, label: "Remeshed", show: showMesh, seedless: true},
}

// order is the position of a family on a page, or -1 if it is unknown.
func order(f Family) int { return slices.IndexFunc(kinds, func(k kind) bool { return k.family == f }) }

// kindOf returns nil for an unknown family.
func kindOf(f Family) *kind {
	if i := order(f); i >= 0 {
		return &kinds[i]
	}
	return nil
}
