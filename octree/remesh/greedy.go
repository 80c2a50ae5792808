package remesh

import (
	"cmp"
	"container/heap"
)

// candidate is a cluster that could be made of those in it.
type candidate struct {
	cost float64 // more error for each vertex less
	id   int32
}

// queue is a heap of candidates, the cheapest first.
type queue []candidate

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].cost, q[j].cost), cmp.Compare(q[i].id, q[j].id)) < 0
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(candidate)) }

func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// greedy merges clusters, those first that cost the least.
type greedy struct {
	*partition
	queue   queue
	open    []int32 // [cluster] children that were not tried yet
	tried   []bool
	blocked []bool // could not be merged when last tried
}

// reduce merges until there are at most so many faces, or nothing can be merged.
func (p *partition) reduce(faces int) {
	n := len(p.clusters)
	g := &greedy{partition: p, open: make([]int32, n), tried: make([]bool, n), blocked: make([]bool, n)}
	for i := range p.clusters {
		g.open[i] = p.clusters[i].children
	}
	for v := range p.order {
		g.settle(int32(v))
	}
	for p.faces > faces && len(g.queue) > 0 {
		g.step()
	}
}

// settle notes that a cluster was tried. Its parent becomes a candidate once all
// its children were.
func (g *greedy) settle(id int32) {
	if g.tried[id] {
		return
	}
	g.tried[id] = true
	parent := g.clusters[id].parent
	if parent < 0 {
		return
	}
	if g.open[parent]--; g.open[parent] == 0 {
		g.push(parent)
	}
}

func (g *greedy) push(id int32) { heap.Push(&g.queue, candidate{g.price(id), id}) }

// price is how much the error grows for each vertex less.
func (g *greedy) price(id int32) float64 {
	parts, cost := g.parts(id)
	if len(parts) < 2 {
		return 0
	}
	return (g.clusters[id].cost - cost) / float64(len(parts)-1)
}

// step tries the cheapest candidate.
func (g *greedy) step() {
	c := heap.Pop(&g.queue).(candidate)
	if g.covered(c.id) {
		return
	}
	// Clusters in it may have been merged since it was priced.
	if now := g.price(c.id); now > c.cost && len(g.queue) > 0 && now > g.queue[0].cost {
		heap.Push(&g.queue, candidate{now, c.id})
		return
	}
	g.blocked[c.id] = !g.merge(c.id)
	if !g.blocked[c.id] {
		for _, a := range g.arcs {
			g.retry(a.neighbour)
		}
	}
	g.settle(c.id)
}

// retry makes candidates again of what could not be merged, now that a neighbour
// was.
func (g *greedy) retry(id int32) {
	for p := g.clusters[id].parent; p >= 0; p = g.clusters[p].parent {
		if g.blocked[p] {
			g.blocked[p] = false
			g.push(p)
		}
	}
}
