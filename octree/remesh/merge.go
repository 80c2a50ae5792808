package remesh

// disk reports whether the faces around a cluster's vertices make up a disk, as
// the Euler number 1 says, and returns an edge out of it.
func (p *partition) disk(k *cluster) (start int32, ok bool) {
	start = -1
	faces, out, inner := 0, 0, 0
	for _, v := range p.order[k.first:k.last] {
		for _, h := range p.l.around(v) {
			if f := h / 4; p.seen[f] != p.trial {
				p.seen[f] = p.trial
				faces++
			}
			if p.inside(p.l.end(h), k) {
				inner++
			} else {
				out++
				start = h
			}
		}
	}
	p.rim = p.rim[:0]
	return start, start >= 0 && faces-(out+inner/2)+int(k.last-k.first) == 1
}

// walk goes once around a cluster and notes every edge out of it. It returns false
// if the cluster touches itself.
func (p *partition) walk(k *cluster, start int32) bool {
	for h := start; ; {
		p.rim = append(p.rim, rimEdge{p.of[p.l.corners[h]], p.of[p.l.end(h)]})
		back := next(h)
		for !p.inside(p.l.end(back), k) {
			back = next(back)
		}
		// What is left of the face must lie inside.
		for rest := next(back); rest != h; rest = next(rest) {
			if !p.inside(p.l.corners[rest], k) {
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
