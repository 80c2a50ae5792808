package octree

// Full returns the keys of all nodes of a level.
func Full(level int) []Key {
	out := make([]Key, 1<<(3*level))
	for i := range out {
		out[i] = Key(i)
	}
	return out
}

// Split returns the children of nodes, eight of each whose flag's lowest bit says that it splits. Where
// none splits, the first does. So an octree of split flags has empty nodes too, unlike an
// [Octree].
//
// Source: the octrees of O-CNN, Wang et al., 2017, arXiv:1712.01537, as OctGPT,
// arXiv:2504.09975, generates them.
func Split(nodes []Key, flags []uint32) (out []Key) {
	none := true
	for _, f := range flags {
		none = none && f&1 == 0
	}
	for i, k := range nodes {
		if flags[i]&1 != 0 || none && i == 0 {
			for c := range 8 {
				out = append(out, k.Child(c))
			}
		}
	}
	return out
}
