package cube

// Groups orders the cubes of a grid by groups. Groups are in raster order over time,
// rows and columns, and so are the cubes of a group, unless it has sets.
type Groups struct {
	H, W int  // rows and columns of cubes in the grid, multiples of the group's
	Size Size // of a group, in cubes
	// Sets splits a group, set by set: each has one cube of every tile of the group, 2 by 2
	// cubes for 4 sets and 4 by 4 for 16. The tiles are filled from far to near, as in a
	// dispersed-dot threshold matrix: (0, 0), (1, 1), (0, 1), (1, 0) for 4. Rows and columns
	// of a group are multiples of a tile's, and it has one frame. 0 and 1 mean one set.
	//
	// Source: Bayer, "An optimum method for two-level rendition of continuous-tone
	// pictures", 1973.
	Sets int
}

// tile is the number of rows and columns of a tile.
func (g Groups) tile() int {
	switch g.Sets {
	case 16:
		return 4
	case 4:
		return 2
	}
	return 1
}

// Valid reports whether the sets fit the group.
func (g Groups) Valid() bool {
	n := g.tile()
	return g.Sets == 0 || g.Sets == n*n && g.Size.H%n == 0 && g.Size.W%n == 0 && (n == 1 || g.Size.T == 1)
}

// SetOf returns the number of the set that a place of the grid belongs to in its group.
func (g Groups) SetOf(h, w int) int {
	switch n := g.tile(); n {
	case 1:
		return 0
	case 2:
		return threshold(h, w)
	default:
		return 4*threshold(h, w) + threshold(h%n/2, w%n/2)
	}
}

// threshold is the 2 by 2 matrix, and far its inverse.
func threshold(h, w int) int { return [4]int{0, 2, 3, 1}[h%2*2+w%2] }

func far(n int) (h, w int) {
	at := [4]int{0, 3, 1, 2}[n]
	return at / 2, at % 2
}

// inGroup returns the row and column of a slot in a group of one frame.
func (g Groups) inGroup(slot int) (h, w int) {
	n := g.tile()
	each := g.Size.H * g.Size.W / (n * n)
	set, at := slot/each, slot%each
	h, w = at/(g.Size.W/n)*n, at%(g.Size.W/n)*n
	for n /= 2; n > 0; n /= 2 {
		y, x := far(set % 4)
		h, w, set = h+n*y, w+n*x, set/4
	}
	return h, w
}

// slot inverts inGroup.
func (g Groups) slot(h, w int) int {
	n := g.tile()
	return (g.SetOf(h, w)*(g.Size.H/n)+h/n)*(g.Size.W/n) + w/n
}

// Cube returns the position in the grid of the cube with number n.
func (g Groups) Cube(n int) (t, h, w int) {
	group, slot := n/g.Size.Volume(), n%g.Size.Volume()
	rows, cols := g.H/g.Size.H, g.W/g.Size.W
	h, w = g.inGroup(slot % (g.Size.H * g.Size.W))
	t = group/(rows*cols)*g.Size.T + slot/(g.Size.H*g.Size.W)
	return t, group/cols%rows*g.Size.H + h, group%cols*g.Size.W + w
}

// Number inverts Cube. It is -1 outside the grid.
func (g Groups) Number(t, h, w int) int {
	if t < 0 || h < 0 || w < 0 || h >= g.H || w >= g.W {
		return -1
	}
	rows, cols := g.H/g.Size.H, g.W/g.Size.W
	group := (t/g.Size.T*rows+h/g.Size.H)*cols + w/g.Size.W
	slot := t%g.Size.T*g.Size.H*g.Size.W + g.slot(h%g.Size.H, w%g.Size.W)
	return group*g.Size.Volume() + slot
}

// Raster returns the raster-order index of the cube with number n.
func (g Groups) Raster(n int) int {
	t, h, w := g.Cube(n)
	return (t*g.H+h)*g.W + w
}
