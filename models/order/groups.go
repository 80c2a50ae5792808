package order

import "github.com/morton-gen/morton/models/system"

// Groups divides a frame into regions·regions parts. It predicts the first token of
// each part of the first frame, one by one. Then it predicts one token of every part at
// once. The rows of the first such group are the last single token's and those of the
// transition ids.
//
// Source: Wang et al., "Parallelized Autoregressive Visual Generation", 2024,
// arXiv:2412.15119.
func (g Grid) Groups(c Conditions, regions int, transition []int32, guide GuidanceScale) system.Schedule {
	n, cells := regions*regions, g.byRegion(regions)
	serial := system.Run{Group: 1, GroupTargets: 1, Targets: system.Targets{N: n - 1, At: cells[1:n]}}
	seen := c.Rows.N
	for i := range n - 1 {
		seen++
		g.Token(&serial.Rows, int(cells[i]), seen)
		serial.Targets.Scale = guide.add(serial.Targets.Scale, i+1, 1)
	}
	groups := system.Run{Group: n, GroupTargets: n, Targets: system.Targets{N: len(cells) - n, At: cells[n:]}}
	seen += n
	g.Token(&groups.Rows, int(cells[n-1]), seen)
	for _, id := range transition {
		g.Condition(&groups.Rows, id)
		groups.KVLen[groups.N-1] = int32(seen)
	}
	for at := n; at < len(cells); at += n {
		groups.Targets.Scale = guide.add(groups.Targets.Scale, at, n)
		if at+n == len(cells) {
			break
		}
		seen += n
		for _, cell := range cells[at : at+n] {
			g.Token(&groups.Rows, int(cell), seen)
		}
	}
	runs := c.runs(guide)
	if n > 1 {
		runs = append(runs, serial)
	}
	return Fixed(append(runs, groups)...)
}

// byRegion lists the cells by frame, then by place within a region, then by region.
// Places and regions are in raster order.
func (g Grid) byRegion(regions int) []int32 {
	h, w := g.H/regions, g.W/regions
	var out []int32
	for t := range g.T {
		for place := range h * w {
			for r := range regions * regions {
				y, x := r/regions*h+place/w, r%regions*w+place%w
				out = append(out, int32((t*g.H+y)*g.W+x))
			}
		}
	}
	return out
}
