package remesh

// groups joins numbers into sets.
type groups struct {
	root []int32
	size []int32 // of a root's set
}

func newGroups(n int) *groups {
	g := &groups{root: make([]int32, n), size: make([]int32, n)}
	for i := range g.root {
		g.root[i], g.size[i] = int32(i), 1
	}
	return g
}

// find returns the least number of the set that i is in.
func (g *groups) find(i int32) int32 {
	for g.root[i] != i {
		g.root[i] = g.root[g.root[i]]
		i = g.root[i]
	}
	return i
}

func (g *groups) join(i, j int32) {
	i, j = g.find(i), g.find(j)
	if i == j {
		return
	}
	low, high := min(i, j), max(i, j)
	g.root[high] = low
	g.size[low] += g.size[high]
}
