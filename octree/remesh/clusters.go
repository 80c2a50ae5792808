package remesh

import (
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// cluster is a connected part of the surface in one node of the octree. Those of
// the finest level are single vertices.
type cluster struct {
	parent      int32 // -1 at the top
	children    int32 // how many there are
	first, last int32 // its vertices are forest.order[first:last]
	low, high   mesh.Vec3
	planes      surface.Quadric
	at          mesh.Vec3 // where its vertex is best, in the node's box
	cost        float64   // planes.Error(at)
}

// forest has all clusters that the octree allows: parents after their children. A
// node whose part is a single child's has no cluster of its own.
type forest struct {
	clusters []cluster
	order    []int32 // vertices, those of any cluster side by side
	place    []int32 // [v] where order has it
}

func newForest(c *surface.Contour, l *links) *forest {
	f := &forest{clusters: make([]cluster, len(c.Cells))}
	for v, cell := range c.Cells {
		k := &f.clusters[v]
		k.parent, k.planes, k.at = -1, c.Planes[v], c.Mesh.Vertices[v]
		k.low, k.high = box(cell, 0)
		k.cost = k.planes.Error(k.at)
	}
	top := make([]int32, len(c.Cells)) // the largest cluster of a vertex so far
	for v := range top {
		top[v] = int32(v)
	}
	for up := 1; up <= c.Depth; up++ {
		f.addLevel(c, l, top, up)
	}
	f.lay(len(c.Cells))
	return f
}

// box returns what a vertex may use of the node that holds a cell, levels up.
func box(cell octree.Key, up int) (low, high mesh.Vec3) {
	x, y, z := cell.Ancestor(up).Decode()
	for a, i := range [3]uint32{x, y, z} {
		low[a], high[a] = float64(i<<up)+margin, float64((i+1)<<up)-margin
	}
	return low, high
}

// addLevel makes the clusters of the nodes that many levels up.
func (f *forest) addLevel(c *surface.Contour, l *links, top []int32, up int) {
	g := newGroups(len(f.clusters))
	for h, u := range l.corners {
		v := l.end(int32(h))
		if u < v && c.Cells[u].Ancestor(up) == c.Cells[v].Ancestor(up) {
			g.join(top[u], top[v])
		}
	}
	first := len(f.clusters)
	made := make([]int32, first) // cluster of each group with several members
	for v := range top {
		child := top[v]
		group := g.find(child)
		if g.size[group] < 2 {
			continue
		}
		if made[group] == 0 {
			made[group] = f.add(c.Cells[v], up)
		}
		f.adopt(made[group], child)
		top[v] = made[group]
	}
	for i := first; i < len(f.clusters); i++ {
		f.clusters[i].settle()
	}
}

func (f *forest) add(cell octree.Key, up int) int32 {
	low, high := box(cell, up)
	f.clusters = append(f.clusters, cluster{parent: -1, low: low, high: high})
	return int32(len(f.clusters) - 1)
}

// adopt makes a cluster the child of another, unless it is already.
func (f *forest) adopt(parent, child int32) {
	if k := &f.clusters[child]; k.parent < 0 {
		k.parent = parent
		f.clusters[parent].children++
		f.clusters[parent].planes.Plus(&k.planes)
	}
}

// settle places a cluster's vertex.
func (k *cluster) settle() {
	k.at = k.planes.Point(k.low, k.high)
	k.cost = k.planes.Error(k.at)
}

// lay orders the vertices so that every cluster's are side by side.
func (f *forest) lay(vertices int) {
	sizes := make([]int32, len(f.clusters))
	for i := range f.clusters {
		if i < vertices {
			sizes[i] = 1
		}
		if p := f.clusters[i].parent; p >= 0 {
			sizes[p] += sizes[i]
		}
	}
	free := int32(0)
	next := make([]int32, len(f.clusters)) // place of the next child
	for i := len(f.clusters) - 1; i >= 0; i-- {
		k, at := &f.clusters[i], &free
		if k.parent >= 0 {
			at = &next[k.parent]
		}
		k.first, k.last = *at, *at+sizes[i]
		*at, next[i] = k.last, k.first
	}
	f.order, f.place = make([]int32, vertices), make([]int32, vertices)
	for v := range vertices {
		f.place[v] = f.clusters[v].first
		f.order[f.place[v]] = int32(v)
	}
}
