package octree

// FaceOffsets are the steps to the six face neighbours, in the order of the
// directions +z, -z, +y, -y, +x, -x.
var FaceOffsets = [6][3]int{{0, 0, 1}, {0, 0, -1}, {0, 1, 0}, {0, -1, 0}, {1, 0, 0}, {-1, 0, 0}}

// Offsets27 are the steps to a node's whole neighbourhood: entry
// 9(dx+1) + 3(dy+1) + (dz+1) is (dx, dy, dz), entry 13 the node itself.
var Offsets27 = offsets27()

func offsets27() (steps [27][3]int) {
	for i := range steps {
		steps[i] = [3]int{i/9 - 1, i/3%3 - 1, i%3 - 1}
	}
	return steps
}

// Neighbours26 returns the rows of all nodes that share a face, an edge or a
// corner with the node at the given row of level d. The rows are in the order
// of [Offsets27], with the row itself at entry 13. An entry is -1 where a
// neighbour is empty or outside.
func (o *Octree) Neighbours26(d, row int) [27]int32 {
	var rows [27]int32
	for i, step := range Offsets27 {
		rows[i] = o.neighbour(d, o.levels[d].keys[row], step)
	}
	return rows
}

func (o *Octree) neighbour(d int, k Key, step [3]int) int32 {
	next, ok := k.Offset(d, step[0], step[1], step[2])
	if !ok {
		return -1
	}
	row, _ := o.Find(d, next)
	return int32(row)
}
