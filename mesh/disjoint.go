package mesh

// disjoint is a union-find forest over 0..len-1. The root of a set is its
// lowest member, so labels taken from roots have a fixed order.
type disjoint []int32

func newDisjoint(n int) disjoint {
	d := make(disjoint, n)
	for i := range d {
		d[i] = int32(i)
	}
	return d
}

// find returns the root of i and halves the path.
func (d disjoint) find(i int32) int32 {
	for d[i] != i {
		d[i] = d[d[i]]
		i = d[i]
	}
	return i
}

// union joins the sets of i and j.
func (d disjoint) union(i, j int32) {
	i, j = d.find(i), d.find(j)
	if i > j {
		i, j = j, i
	}
	d[j] = i
}
