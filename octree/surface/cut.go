package surface

import (
	"math"
	"slices"

	"github.com/morton-gen/morton/octree"
)

// Codes of a generator may leave a hole between the leaves around a solid. Then what it
// encloses is joined to what is outside, though leaves all around say otherwise. So the
// sides of empty nodes are those that contradict the fewest corners. Every face of a
// cell between two nodes of different sides counts as much as a leaf all of whose corners
// are contradicted. Small holes are closed thereby, and wide openings stay open. Such
// sides are a minimum cut between what says outside and what says inside.
//
// Source: Greig, Porteous and Seheult, "Exact Maximum A Posteriori Estimation for Binary
// Images", 1989, for sides as a cut; Dinitz, "Algorithm for Solution of a Problem of Maximum
// Flow in Networks with Power Estimation", 1970, for the cut.

// cutWeight is what a face between two sides costs: the corners of a face.
const cutWeight int64 = 4

// maxCutWork bounds the arcs looked at for one arc of the graph. A cut that takes longer is
// left as it is then: any sides make a closed surface.
const maxCutWork = 200

// network is a flow network whose nodes are empty nodes of a tree. Arcs 2i and 2i+1 are
// the two ways between a pair.
type network struct {
	nodes        []int32 // ids, ascending
	supply       []int64 // what may still come into a node from outside
	demand       []int64 // what may still go from a node to inside
	to           []int32
	room         []int64 // of an arc
	first        []int32 // of a node in out; one more than nodes
	out          []int32 // arcs by the node that they leave
	level, next  []int32
	work         int
	queue, route []int32
}

// decide finds the sides of all nodes from the votes.
func (g *regions) decide() {
	type tally struct{ in, out int64 }
	tallies := map[int32]tally{}
	for id, v := range g.votes {
		t := tallies[g.find(id)]
		if v > 0 {
			t.in += v
		} else {
			t.out -= v
		}
		tallies[g.find(id)] = t
	}
	g.sides = make([]bool, len(g.parent))
	var torn []int32
	for root, t := range tallies {
		if t.in > 0 && (t.out > 0 || root == outsideRegion) {
			torn = append(torn, root)
		}
	}
	for id := range g.parent {
		t := tallies[g.find(int32(id))]
		g.sides[id] = g.find(int32(id)) != outsideRegion && t.in > t.out
	}
	if len(torn) > 0 {
		g.cut(torn)
	}
}

// cut finds the sides of the nodes of some regions by a minimum cut.
func (g *regions) cut(torn []int32) {
	slices.Sort(torn)
	g.torn = true
	n := &network{}
	for id := range g.parent {
		if _, ok := slices.BinarySearch(torn, g.find(int32(id))); ok {
			n.nodes = append(n.nodes, int32(id))
		}
	}
	n.supply, n.demand = make([]int64, len(n.nodes)), make([]int64, len(n.nodes))
	for i, id := range n.nodes {
		switch v := g.votes[id]; {
		case id == outsideRegion || g.border[id]:
			n.supply[i] = math.MaxInt64 / 4
		case v > 0:
			n.demand[i] = v
		default:
			n.supply[i] = -v
		}
	}
	var from []int32
	g.eachPair(func(a, b int32, d int, _, _ octree.Key) {
		i, ok := slices.BinarySearch(n.nodes, a)
		if !ok {
			return
		}
		j, _ := slices.BinarySearch(n.nodes, b)
		from, n.to = append(from, int32(i), int32(j)), append(n.to, int32(j), int32(i))
		room := cutWeight << (2 * (g.o.Depth - d))
		n.room = append(n.room, room, room)
	})
	n.index(from)
	n.flow()
	outside, inside := n.reach()
	for i, id := range n.nodes {
		g.sides[id] = inside[i] && !outside[i]
	}
}

// eachPair calls visit for each two empty nodes that share a face, with the level of the
// smaller one, which is a, and with the cells of that level on either side.
func (g *regions) eachPair(visit func(a, b int32, d int, ka, kb octree.Key)) {
	for d := range g.o.Depth {
		for row, k := range g.o.Keys(d) {
			for c := range 8 {
				if g.o.Occupancy(d)[row]>>c&1 != 0 {
					continue
				}
				a, ka := g.start[d]+int32(8*row+c), k.Child(c)
				for i, s := range octree.FaceOffsets {
					kb, ok := ka.Offset(d+1, s[0], s[1], s[2])
					if !ok {
						continue
					}
					b, empty := g.node(d+1, kb)
					same := b >= g.start[d] // of one level: visited from both
					if empty && !(same && i%2 == 1) {
						visit(a, b, d+1, ka, kb)
					}
				}
			}
		}
	}
}

// index sorts the arcs by the node that they leave.
func (n *network) index(from []int32) {
	n.first, n.out = make([]int32, len(n.nodes)+1), make([]int32, len(from))
	for _, a := range from {
		n.first[a+1]++
	}
	for i := range n.nodes {
		n.first[i+1] += n.first[i]
	}
	at := slices.Clone(n.first)
	for arc, a := range from {
		n.out[at[a]] = int32(arc)
		at[a]++
	}
}

// flow finds a largest flow.
func (n *network) flow() {
	n.level, n.next = make([]int32, len(n.nodes)), make([]int32, len(n.nodes))
	for n.layer() && n.work < maxCutWork*len(n.to) {
		copy(n.next, n.first)
		for i := range n.nodes {
			for n.level[i] == 0 && n.supply[i] > 0 && n.push(int32(i)) {
			}
		}
	}
}

// layer gives nodes their distance from supply, up to the nearest ones with demand, and
// reports whether there are any.
func (n *network) layer() (reached bool) {
	n.queue = n.queue[:0]
	for i := range n.level {
		n.level[i] = -1
		if n.supply[i] > 0 {
			n.level[i] = 0
			n.queue = append(n.queue, int32(i))
		}
	}
	last := int32(math.MaxInt32)
	for at := 0; at < len(n.queue); at++ {
		i := n.queue[at]
		if n.demand[i] > 0 {
			last, reached = min(last, n.level[i]), true
		}
		if n.level[i] >= last {
			continue
		}
		for _, arc := range n.out[n.first[i]:n.first[i+1]] {
			n.work++
			if j := n.to[arc]; n.room[arc] > 0 && n.level[j] < 0 {
				n.level[j] = n.level[i] + 1
				n.queue = append(n.queue, j)
			}
		}
	}
	return reached
}

// push sends what it can from a node along one way to demand, and reports whether there was
// a way.
func (n *network) push(from int32) bool {
	n.route = n.route[:0]
	i := from
	for n.demand[i] == 0 {
		arc := int32(-1)
		for ; n.next[i] < n.first[i+1]; n.next[i]++ {
			n.work++
			a := n.out[n.next[i]]
			if n.room[a] > 0 && n.level[n.to[a]] == n.level[i]+1 {
				arc = a
				break
			}
		}
		if arc >= 0 {
			n.route = append(n.route, arc)
			i = n.to[arc]
			continue
		}
		if len(n.route) == 0 {
			return false
		}
		back := n.route[len(n.route)-1]
		n.route = n.route[:len(n.route)-1]
		i = n.to[back^1]
		n.next[i]++
	}
	most := min(n.supply[from], n.demand[i])
	for _, arc := range n.route {
		most = min(most, n.room[arc])
	}
	n.supply[from] -= most
	n.demand[i] -= most
	for _, arc := range n.route {
		n.room[arc] -= most
		n.room[arc^1] += most
	}
	return true
}

// reach returns the nodes that supply can still reach, and those that can still reach
// demand.
func (n *network) reach() (outside, inside []bool) {
	n.layer()
	outside, inside = make([]bool, len(n.nodes)), make([]bool, len(n.nodes))
	n.queue = n.queue[:0]
	for i := range n.nodes {
		outside[i] = n.level[i] >= 0
		if n.demand[i] > 0 {
			inside[i] = true
			n.queue = append(n.queue, int32(i))
		}
	}
	for at := 0; at < len(n.queue); at++ {
		i := n.queue[at]
		for _, arc := range n.out[n.first[i]:n.first[i+1]] {
			if j := n.to[arc]; n.room[arc^1] > 0 && !inside[j] {
				inside[j] = true
				n.queue = append(n.queue, j)
			}
		}
	}
	return outside, inside
}

// torn returns the edges between two corners of no leaf, each on another side.
func (f *field) torn() (all []crossing) {
	g := f.regions
	if !g.torn {
		return nil
	}
	g.eachPair(func(a, b int32, d int, ka, kb octree.Key) {
		if g.sides[a] == g.sides[b] {
			return
		}
		x, y, z := ka.Decode()
		p, q, r := kb.Decode()
		axis, up := 0, p > x
		switch {
		case q != y:
			axis, up = 1, q > y
		case r != z:
			axis, up = 2, r > z
		}
		low, side := [3]uint32{x, y, z}, uint32(1)<<(g.o.Depth-d)
		for i := range low {
			low[i] *= side
		}
		if up {
			low[axis] += side - 1
		} else {
			low[axis]--
		}
		for i := range side {
			for j := range side {
				at := low
				at[(axis+1)%3] += i
				at[(axis+2)%3] += j
				corner := octree.Encode(at[0], at[1], at[2])
				at[axis]++
				in, known := f.at(corner)
				far, farKnown := f.at(octree.Encode(at[0], at[1], at[2]))
				if in != far && !known && !farKnown {
					all = append(all, crossing{low: corner, axis: uint8(axis), lowIn: in})
				}
			}
		}
	})
	return all
}
