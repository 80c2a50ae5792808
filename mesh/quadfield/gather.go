package quadfield

import (
	"container/heap"

	"github.com/morton-gen/morton/mesh"
)

// short is an edge that may collapse.
type short struct {
	length float64
	h      int32
	stamp  int32 // sum of both ends' versions when queued
}

// shorts is a heap, the shortest first.
type shorts []short

func (q shorts) Len() int { return len(q) }
func (q shorts) Less(i, j int) bool {
	if q[i].length != q[j].length {
		return q[i].length < q[j].length
	}
	return q[i].h < q[j].h
}
func (q shorts) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *shorts) Push(x any)   { *q = append(*q, x.(short)) }

func (q *shorts) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// gathering collapses edges, the shortest first. A vertex's position is the mean of
// those merged into it.
type gathering struct {
	m      *triangles
	weight []float64 // [v] number of merged vertices
	stamp  []int32
	queue  shorts
	l      lines
}

// gather moves all vertices to their lattice points and collapses edges shorter
// than a fraction of the step, which merges vertices that share a lattice point.
func (m *triangles) gather(lattice []mesh.Vec3, step float64, l lines) *triangles {
	copy(m.at, lattice)
	g := &gathering{m: m, weight: make([]float64, len(m.at)), stamp: make([]int32, len(m.at)), l: l}
	for v := range g.weight {
		g.weight[v] = 1
	}
	const share = 0.5
	g.run(share * step)
	return m.compact()
}

// run collapses edges shorter than most until none can be collapsed.
func (g *gathering) run(most float64) {
	for again := true; again; {
		again = false
		for h := range int32(len(g.m.from)) {
			if g.m.from[h] >= 0 {
				g.push(h, most)
			}
		}
		for len(g.queue) > 0 {
			s := heap.Pop(&g.queue).(short)
			if g.m.from[s.h] < 0 || s.stamp != g.stamp[g.m.from[s.h]]+g.stamp[g.m.to(s.h)] || !g.try(s.h, most) {
				continue
			}
			again = true
		}
		g.queue = g.queue[:0]
	}
}

func (g *gathering) push(h int32, most float64) {
	if l := g.m.vec(h).Len(); l < most {
		heap.Push(&g.queue, short{l, h, g.stamp[g.m.from[h]] + g.stamp[g.m.to(h)]})
	}
}

// try collapses an edge if possible and queues the edges around it again.
func (g *gathering) try(h int32, most float64) bool {
	m := g.m
	if !m.canCollapse(h) {
		return false
	}
	a, b := m.from[h], m.to(h)
	at := g.meeting(a, b, m.line[h])
	m.collapse(h)
	m.at[b] = at
	g.weight[b] += g.weight[a]
	g.stamp[b]++
	for e := m.out[b]; ; {
		g.push(e, most)
		g.push(m.twin[e], most)
		if e = m.spin(e); e == m.out[b] {
			return true
		}
	}
}

// meeting returns the position of two merged vertices.
func (g *gathering) meeting(a, b, line int32) mesh.Vec3 {
	m := g.m
	if m.kind[b] > m.kind[a] || m.kind[b] == corner {
		return m.at[b]
	}
	wa, wb := g.weight[a], g.weight[b]
	at := m.at[a].Scale(wa).Add(m.at[b].Scale(wb)).Scale(1 / (wa + wb))
	if m.kind[b] == onLine {
		at = g.l.nearest(line, at)
	}
	return at
}
