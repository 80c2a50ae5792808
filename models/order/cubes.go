package order

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/cube"
	"github.com/morton-gen/morton/models/system"
)

// Cubes predicts the cells of a clip cube by cube, in raster order over time, rows and
// columns. The cells of a cube are predicted at once, or set by set if Groups has sets. A
// row is fed the token of the nearest cell before its cube in time, and of those left of
// and above its cube; with sets, in place of these two, the cells next to its own that are
// known by then. It sees the cells of earlier cubes, of earlier sets and of its own set. Its
// axes are frame, row and column.
//
// Source: VideoAR, 2025, arXiv:2509.24081, whose cubes follow each other in raster order.
// Sets of cells far from each other follow PAR, 2024, arXiv:2412.15119, and are ours: PAR
// splits a picture into large regions, one token of each of which is predicted at once.
type Cubes struct {
	cube.Groups
	// Around feeds a row also the eight neighbours, in that earlier cell's frame, of the
	// nearest cell before its cube in time: what moves comes from there.
	Around bool
}

// Columns of a row of [Cubes].
const (
	CubeFixed = 3 // place in the cube, row, column
	CubeAxes  = 3
)

// Fed is the number of earlier tokens that a row is fed: before in time, left and above or
// the eight next to it, and with Around those around the first. Eight are in raster order.
func (c Cubes) Fed() int {
	n := 3
	if c.Sets > 1 {
		n = 1 + 8
	}
	if c.Around {
		n += 8
	}
	return n
}

// Together is the number of cells that are predicted at once.
func (c Cubes) Together() int { return c.Size.Volume() / max(c.Sets, 1) }

// Ids is the number of fixed ids.
func (c Cubes) Ids() int { return c.Size.Volume() + c.H + c.W }

// Guessed is like Schedule, with features of rows: those that guess makes of the tokens of
// the frame of cells before, [h·w, words] in raster order, and behind them a 1 for each of
// the row's fixed ids and 0 for the others. Rows have no fixed ids. The first frame has no
// guess, but zeros. A frame of cells is one cube or several; known are the tokens of the
// given ones. The error wraps system.ErrPrompt.
func (c Cubes) Guessed(frames int, known []uint32, words, width int, guess func(codes []uint32) []float32) (system.Schedule, error) {
	n := c.H * c.W
	given := len(known) / words
	if frames < 1 || c.Size.T != 1 || given > frames*n || given%n != 0 {
		return nil, fmt.Errorf("order.Cubes: %w: %d cells of %d frames in cubes of %d frames, %d cells a frame", system.ErrPrompt, given, frames, c.Size.T, n)
	}
	frame := func(t int, tokens []uint32) Positions {
		soft := make([]float32, n*width)
		if t > 0 {
			soft = guess(c.before(t, tokens, words))
		}
		var p Positions
		for i := t * n; i < (t+1)*n; i++ {
			c.add(&p, i, []int32{-1})
			at := c.Raster(i % n)
			features := append(make([]float32, 0, width+c.Ids()), soft[at*width:(at+1)*width]...)
			features = features[:width+c.Ids()]
			for _, id := range c.ids(i) {
				features[width+int(id)] = 1
			}
			p.Features = append(p.Features, features...)
		}
		return p
	}
	var prompt []system.Run
	for t := range given / n {
		p := frame(t, known)
		prompt = append(prompt, p.Runs(t*n, p.N, c.Size.Volume())...)
	}
	t := given/n - 1
	return Grow(func(tokens []uint32) ([]system.Run, error) {
		if t++; t >= frames {
			return nil, nil
		}
		p := frame(t, tokens)
		return p.Runs(t*n, 0, c.Together()), nil
	}, prompt...), nil
}

// before returns the tokens of the frame of cells before frame t, in raster order.
func (c Cubes) before(t int, tokens []uint32, words int) []uint32 {
	n := c.H * c.W
	out := make([]uint32, n*words)
	for p := range n {
		copy(out[c.Raster(p)*words:][:words], tokens[((t-1)*n+p)*words:])
	}
	return out
}

// ids are the fixed ids of cell i.
func (c Cubes) ids(i int) []int32 {
	cells := c.Size.Volume()
	_, h, w := c.Cube(i)
	return []int32{int32(i % cells), int32(cells + h), int32(cells + c.H + w)}
}

// add appends cell i.
func (c Cubes) add(p *Positions, i int, fixed []int32) {
	n := c.Together()
	t, h, w := c.Cube(i)
	p.Add(fixed, c.fed(i), []int32{int32(t), int32(h), int32(w)}, int32((i/n+1)*n), 0, 1)
}

// Schedule returns the runs of frames frames of cells, a multiple of a cube's, of which
// the first given cells have tokens. The error wraps system.ErrPrompt.
func (c Cubes) Schedule(frames, given int) (system.Schedule, error) {
	cells, n := c.Size.Volume(), frames*c.H*c.W
	if frames < 1 || frames%c.Size.T != 0 || given < 0 || given > n || given%cells != 0 {
		return nil, fmt.Errorf("order.Cubes: %w: %d cells of %d frames in cubes of %d frames, %d cells", system.ErrPrompt, given, frames, c.Size.T, cells)
	}
	var p Positions
	for i := range n {
		c.add(&p, i, c.ids(i))
	}
	runs := p.Runs(0, given, c.Together())
	if given > 0 {
		runs[0].Group = cells
	}
	return Fixed(runs...), nil
}

// fed returns the positions that the row of cell i is fed.
func (c Cubes) fed(i int) []int32 {
	t, h, w := c.Cube(i)
	before := t/c.Size.T*c.Size.T - 1
	out := []int32{int32(c.Number(before, h, w))}
	if c.Sets > 1 {
		first := i / c.Together() * c.Together() // of its set: what is known comes before
		for _, n := range c.next(t, h, w) {
			if int(n) >= first {
				n = -1
			}
			out = append(out, n)
		}
	} else {
		out = append(out, int32(c.Number(t, h, w/c.Size.W*c.Size.W-1)), int32(c.Number(t, h/c.Size.H*c.Size.H-1, w)))
	}
	if c.Around {
		out = append(out, c.next(before, h, w)...)
	}
	return out
}

// next returns the eight cells next to a place of a frame, in raster order.
func (c Cubes) next(t, h, w int) (out []int32) {
	for y := h - 1; y <= h+1; y++ {
		for x := w - 1; x <= w+1; x++ {
			if y != h || x != w {
				out = append(out, int32(c.Number(t, y, x)))
			}
		}
	}
	return out
}
