package order

import (
	"io"
	"math"

	"github.com/morton-gen/morton/models/system"
)

// Clips predicts a video clip by clip, and each clip as a pyramid of growing scales. The
// first pyramid is the first frame. A scale is predicted in one or more passes, each with
// positions of its own, since what they code adds up. A row is fed positions of the passes
// before it in its pyramid, so that the rows of a pass are fed all of them, in order. It
// sees the text, its own pass, and the last pass of the pyramid before.
//
// The cache has the text, and a region each for pyramids of even and of odd number. A pass
// writes over the one before it. The axes of a row are its pass, frame, row and column; a
// pass counts from PassAxis on, and rows and columns are those of the last scale.
//
// Source: Liu et al., "InfinityStar: Unified Spacetime AutoRegressive Modeling for Visual
// Generation", 2025, arXiv:2511.04675.
type Clips struct {
	// Text reads the text. Its rows fill the first slots.
	Text     system.Run
	Pyramids []ClipPyramid
	Known    int   // pyramids that are given
	ID       int32 // fixed id of every row
	Fed      int   // tokens that a row is fed, see [ClipPyramid.Fed]
	PassAxis int32
	Guide    GuidanceScale // by the positions that are drawn before a pass
}

// ClipPyramid is one pyramid of a video.
type ClipPyramid struct {
	T      int      // frames
	Passes [][2]int // rows and columns of the scale of each
	Stage  int      // of the first pass; the others follow
}

// ClipRanges is the number of ranges of slots that a row sees.
const ClipRanges = 3

// Fed is the number of tokens that every row of the pyramid must be fed.
func (p *ClipPyramid) Fed() int { return FedByRow(len(p.Passes), p.size) }

// size is the number of rows of a pass.
func (p *ClipPyramid) size(pass int) int { return p.T * p.Passes[pass][0] * p.Passes[pass][1] }

// positions is the number of those of all passes.
func (p *ClipPyramid) positions() (n int) {
	for i := range p.Passes {
		n += p.size(i)
	}
	return n
}

// last is the number of rows of the last pass.
func (p *ClipPyramid) last() int { return p.size(len(p.Passes) - 1) }

// Schedule returns the runs. They are made pass by pass, as they are asked for.
func (c Clips) Schedule() system.Schedule {
	s := &clips{Clips: c, regions: [2]int{c.Text.N, c.Text.N}}
	for i := 0; i < len(c.Pyramids); i += 2 {
		s.regions[1] = max(s.regions[1], c.Text.N+c.Pyramids[i].last())
	}
	return s
}

type clips struct {
	Clips
	regions [2]int // first slot of each
	read    bool   // the text
	pyramid int    // next
	pass    int    // next of it
	at      int    // its first position
	before  int    // positions of its passes so far
	number  int32  // passes before
	frame   int    // its first frame
	drawn   int
}

// IgnoresTokens reports that Next ignores the tokens.
func (c *clips) IgnoresTokens() bool { return true }

// Next implements system.Schedule. Of a pyramid that is given only the last pass is read:
// nobody sees the others.
func (c *clips) Next([]uint32) (system.Run, error) {
	if !c.read {
		c.read = true
		return c.Text, nil
	}
	for c.pyramid < len(c.Pyramids) {
		p := &c.Pyramids[c.pyramid]
		if c.pass == len(p.Passes) {
			c.at, c.frame = c.at+c.before, c.frame+p.T
			c.pyramid, c.pass, c.before = c.pyramid+1, 0, 0
			continue
		}
		given := c.pyramid < c.Known
		var r system.Run
		read := !given || c.pass == len(p.Passes)-1
		if read {
			r = c.run(p, given)
		}
		c.before += p.size(c.pass)
		c.pass++
		c.number++
		if read {
			return r, nil
		}
	}
	return system.Run{}, io.EOF
}

// run is one pass.
func (c *clips) run(p *ClipPyramid, given bool) (r system.Run) {
	n, s := p.size(c.pass), p.Passes[c.pass]
	last := p.Passes[len(p.Passes)-1]
	own := c.regions[c.pyramid%2]
	ranges := []int32{0, int32(c.Text.N), 0, 0, int32(own), int32(own + n)}
	sees := own + n
	if c.pyramid > 0 {
		from := c.regions[1-c.pyramid%2]
		to := from + c.Pyramids[c.pyramid-1].last()
		ranges[2], ranges[3] = int32(from), int32(to)
		sees = max(sees, to)
	}
	r.N, r.Group, r.Stage = n, n, p.Stage+c.pass
	r.Fixed, r.KVLen, r.Slot = fill(n, c.ID), fill(n, int32(sees)), count(own, own+n)
	for i := range n {
		r.Ranges = append(r.Ranges, ranges...)
		t, y, x := i/(s[0]*s[1]), i/s[1]%s[0], i%s[1]
		r.Axes = append(r.Axes, c.PassAxis+c.number, int32(c.frame+t), finest(y, s[0], last[0]), finest(x, s[1], last[1]))
		for j := range c.Fed {
			from := int32(system.Nothing)
			if k := i*c.Fed + j; k < c.before {
				from = int32(c.at + k)
			}
			r.Inputs = append(r.Inputs, from)
		}
	}
	if !given {
		r.GroupTargets, r.Targets = n, system.Targets{N: n, At: count(c.at+c.before, c.at+c.before+n)}
		r.Targets.Scale = c.Guide.add(nil, c.drawn, n)
		c.drawn += n
	}
	return r
}

// finest is the place of i of n on an axis of so many, of two places the even one.
func finest(i, n, of int) int32 {
	return int32(math.RoundToEven(float64(i) * float64(of) / float64(n)))
}

// Positions is the number of positions of all pyramids.
func (c *Clips) Positions() (n int) {
	for i := range c.Pyramids {
		n += c.Pyramids[i].positions()
	}
	return n
}

// Slots is the number of cache slots behind so many rows of text.
func (c *Clips) Slots(text int) int {
	var most [2]int
	for i := range c.Pyramids {
		most[i%2] = max(most[i%2], c.Pyramids[i].last())
	}
	return text + most[0] + most[1]
}
