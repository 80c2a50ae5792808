package remesh

// try reports whether the clusters that are made up of these vertices can be one.
// It leaves the arcs around them.
func (p *partition) try(vertices []int32) bool {
	p.trial++
	for _, v := range vertices {
		p.mark[v] = p.trial
	}
	start, ok := p.disk(vertices)
	return ok && p.walk(start) && p.split()
}

// disk reports whether the faces around vertices make up a disk, as
// the Euler number 1 says, and returns an edge out of it.
func (p *partition) disk(vertices []int32) (start int32, ok bool) {
	start = -1
	faces, out, inner := 0, 0, 0
	for _, v := range vertices {
		for _, h := range p.l.around(v) {
			if f := h / 4; p.seen[f] != p.trial {
				p.seen[f] = p.trial
				faces++
			}
			if p.inside(p.l.end(h)) {
				inner++
			} else {
				out++
				start = h
			}
		}
	}
	return start, start >= 0 && faces-(out+inner/2)+len(vertices) == 1
}

// walk goes once around a cluster and notes every edge out of it. It returns false
// if the cluster touches itself.
func (p *partition) walk(start int32) bool {
	p.rim = p.rim[:0]
	for h := start; ; {
		p.rim = append(p.rim, rimEdge{p.of[p.l.corners[h]], p.of[p.l.end(h)], h / 4})
		back := next(h)
		for !p.inside(p.l.end(back)) {
			back = next(back)
		}
		// What is left of the face must lie inside.
		for rest := next(back); rest != h; rest = next(rest) {
			if !p.inside(p.l.corners[rest]) {
				return false
			}
		}
		if h = p.l.twin[back]; h == start {
			return true
		}
	}
}

// split cuts the rim into arcs. It returns false if there are fewer than three, two
// with the same neighbour, or a neighbour that would have too few.
func (p *partition) split() bool {
	n := len(p.rim)
	first := 0
	for first < n && p.rim[first].outer == p.rim[(first+n-1)%n].outer {
		first++
	}
	if first == n {
		return false
	}
	p.arcs = p.arcs[:0]
	for i := range n {
		e, before := p.rim[(first+i)%n], p.rim[(first+i+n-1)%n]
		switch {
		case e.outer != before.outer:
			if p.stamp[e.outer] == p.trial {
				return false
			}
			p.stamp[e.outer] = p.trial
			p.arcs = append(p.arcs, arc{e.outer, 1})
		case e.inner != before.inner:
			p.arcs[len(p.arcs)-1].touched++
		}
	}
	for _, a := range p.arcs {
		if p.degree[a.neighbour]-a.touched+1 < 3 {
			return false
		}
	}
	return len(p.arcs) >= 3
}
