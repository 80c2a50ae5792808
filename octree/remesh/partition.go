package remesh

import "github.com/morton-gen/morton/mesh"

// partition is the surface cut into clusters, one vertex of the result each. Where
// three or four clusters meet, the result has a face, and where two meet along an
// arc, an edge. It stays a closed 2-manifold because every merge leaves each
// cluster a disk with at least three neighbours, each beside it along one arc.
type partition struct {
	*forest
	l      *links
	of     []int32 // [v] cluster
	degree []int32 // [cluster] neighbours
	faces  int
	count  int // clusters

	trial  int32
	mark   []int32 // [v] the last trial that it was part of
	seen   []int32 // [face] the last trial that counted it
	stamp  []int32 // [cluster] the last trial that met it
	rim    []rimEdge
	arcs   []arc
	buffer []int32
}

// rimEdge is an edge of the mesh out of the cluster on trial.
type rimEdge struct {
	inner, outer int32 // clusters as they are
	face         int32 // ahead, on the way around
}

// arc is a stretch of the rim with one neighbour, which touched so many of the
// clusters that are to be merged.
type arc struct{ neighbour, touched int32 }

func newPartition(f *forest, l *links) *partition {
	n := len(f.order)
	p := &partition{
		forest: f, l: l, of: make([]int32, n), degree: make([]int32, len(f.clusters)), faces: len(l.corners) / 4, count: n,
		mark: make([]int32, n), seen: make([]int32, len(l.corners)/4), stamp: make([]int32, len(f.clusters)),
	}
	for v := range n {
		p.of[v] = int32(v)
		p.degree[v] = int32(len(l.around(int32(v))))
	}
	return p
}

func (p *partition) inside(v int32) bool { return p.mark[v] == p.trial }

// covered reports whether a cluster of the forest is merged, itself or as part of a
// larger one.
func (p *partition) covered(id int32) bool {
	k := &p.clusters[id]
	now := &p.clusters[p.of[p.order[k.first]]]
	return now.first <= k.first && now.last >= k.last
}

// parts returns the clusters that are in one of the forest, in a buffer that the
// next call uses too, and the sum of their costs.
func (p *partition) parts(id int32) (parts []int32, cost float64) {
	k := &p.clusters[id]
	parts = p.buffer[:0]
	for at := k.first; at < k.last; {
		part := p.of[p.order[at]]
		parts = append(parts, part)
		cost += p.clusters[part].cost
		at = p.clusters[part].last
	}
	p.buffer = parts
	return parts, cost
}

// merge makes one cluster of all current clusters within cluster id of the
// forest. If the result would not be a closed manifold, it changes nothing and
// returns false.
func (p *partition) merge(id int32) bool {
	k := &p.clusters[id]
	vertices := p.order[k.first:k.last]
	if !p.try(vertices) {
		return false
	}
	parts, _ := p.parts(id)
	p.join(id, vertices, parts)
	return true
}

// join makes cluster id of the parts that were tried, which have these vertices.
func (p *partition) join(id int32, vertices, parts []int32) {
	edges := int32(len(p.arcs)) // twice the change
	for _, part := range parts {
		edges -= p.degree[part]
	}
	for _, a := range p.arcs {
		p.degree[a.neighbour] -= a.touched - 1
		edges -= a.touched - 1
	}
	p.degree[id] = int32(len(p.arcs))
	p.faces += int(edges/2) + len(parts) - 1 // V - E + F stays
	p.count -= len(parts) - 1
	for _, v := range vertices {
		p.of[v] = id
	}
}

// mesh returns the result in cells of the finest level, and the cluster of each of
// its vertices.
func (p *partition) mesh() (m *mesh.Mesh, clusters []int32) {
	m = &mesh.Mesh{Starts: []int32{0}}
	number := make([]int32, len(p.clusters)) // of a cluster's vertex, and 1
	for f := int32(0); f < int32(len(p.l.corners)); f += 4 {
		face, n := p.face(f)
		if n < 3 {
			continue
		}
		for _, k := range face[:n] {
			if number[k] == 0 {
				clusters = append(clusters, k)
				number[k] = m.AddVertex(p.clusters[k].at) + 1
			}
			m.Corners = append(m.Corners, number[k]-1)
		}
		m.Starts = append(m.Starts, int32(len(m.Corners)))
	}
	return m, clusters
}

// face returns the clusters around the face whose first half-edge is h, each run of
// the same once.
func (p *partition) face(h int32) (around [4]int32, n int) {
	for i := range int32(4) {
		k := p.of[p.l.corners[h+i]]
		if k != p.of[p.l.corners[h+(i+1)&3]] {
			around[n] = k
			n++
		}
	}
	return around, n
}
