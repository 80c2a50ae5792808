package cube

// Groups orders the cubes of a grid by groups. Groups are in raster order over time,
// rows and columns, and so are the cubes of a group.
type Groups struct {
	H, W int  // rows and columns of cubes in the grid, multiples of the group's
	Size Size // of a group, in cubes
}

// Cube returns the position in the grid of the cube with number n.
func (g Groups) Cube(n int) (t, h, w int) {
	group, slot := n/g.Size.Volume(), n%g.Size.Volume()
	rows, cols := g.H/g.Size.H, g.W/g.Size.W
	t = group/(rows*cols)*g.Size.T + slot/(g.Size.H*g.Size.W)
	h = group/cols%rows*g.Size.H + slot/g.Size.W%g.Size.H
	w = group%cols*g.Size.W + slot%g.Size.W
	return t, h, w
}

// Number inverts Cube. It is -1 outside the grid.
func (g Groups) Number(t, h, w int) int {
	if t < 0 || h < 0 || w < 0 || h >= g.H || w >= g.W {
		return -1
	}
	rows, cols := g.H/g.Size.H, g.W/g.Size.W
	group := (t/g.Size.T*rows+h/g.Size.H)*cols + w/g.Size.W
	slot := (t%g.Size.T*g.Size.H+h%g.Size.H)*g.Size.W + w%g.Size.W
	return group*g.Size.Volume() + slot
}

// Raster returns the raster-order index of the cube with number n.
func (g Groups) Raster(n int) int {
	t, h, w := g.Cube(n)
	return (t*g.H+h)*g.W + w
}
