package surface

import "github.com/morton-gen/morton/octree"

// regions are the parts into which the leaves cut the rest of the domain: cells
// that are not leaves, joined across faces. They are found on the empty nodes of
// the tree, not on single cells, so the cost follows the tree's size.
type regions struct {
	o      *octree.Octree
	start  []int32         // first id of the children rows of each level's nodes
	parent []int32         // union-find over ids
	border map[int32]bool  // nodes at the domain's border
	votes  map[int32]int64 // of corners beside a node: +1 inside, -1 outside
	sides  []bool          // of nodes: inside
	torn   bool            // a region has nodes of both sides
}

// outsideRegion is everything beyond the domain and what is joined to it.
const outsideRegion = 0

// newRegions joins every empty node with the empty nodes beside it. A node's
// neighbour of the same size either lies inside an empty node at least as
// large, or contains leaves. In the second case, the smaller empty nodes inside
// the neighbour are joined when newRegions visits them.
func newRegions(o *octree.Octree) *regions {
	g := &regions{o: o, start: make([]int32, o.Depth), border: map[int32]bool{}, votes: map[int32]int64{}}
	n := int32(1)
	for d := range o.Depth {
		g.start[d] = n
		n += int32(8 * o.Len(d))
	}
	g.parent = make([]int32, n)
	for i := range g.parent {
		g.parent[i] = int32(i)
	}
	for d := range o.Depth {
		for row, k := range o.Keys(d) {
			for c := range 8 {
				if o.Occupancy(d)[row]>>c&1 == 0 {
					g.joinAround(d+1, k.Child(c), g.start[d]+int32(8*row+c))
				}
			}
		}
	}
	return g
}

func (g *regions) joinAround(d int, k octree.Key, id int32) {
	for _, s := range octree.FaceOffsets {
		next, ok := k.Offset(d, s[0], s[1], s[2])
		if !ok {
			g.join(id, outsideRegion)
			g.border[id] = true
		} else if other, empty := g.node(d, next); empty {
			g.join(id, other)
		}
	}
}

// node returns the id of the empty node that holds node k of level d, or false
// if there are leaves in k.
func (g *regions) node(d int, k octree.Key) (id int32, empty bool) {
	reached, row := g.o.Descend(d, k)
	if reached == d {
		return 0, false
	}
	c := k.Ancestor(d - reached - 1).ChildIndex()
	return g.start[reached] + int32(8*row+c), true
}

// of returns the node of a cell that is not a leaf, and false for a leaf.
func (g *regions) of(cell octree.Key) (int32, bool) { return g.node(g.o.Depth, cell) }

func (g *regions) find(i int32) int32 {
	for g.parent[i] != i {
		g.parent[i] = g.parent[g.parent[i]]
		i = g.parent[i]
	}
	return i
}

// join keeps the lower id as the root, so outsideRegion stays one.
func (g *regions) join(i, j int32) {
	i, j = g.find(i), g.find(j)
	g.parent[max(i, j)] = min(i, j)
}
