package embed

import "fmt"

// Index sorts ids [n, k] by value, stably, for [SumGrad]: rows[starts[t]:starts[t+1]]
// are the rows r that hold id t, in order, once for each time they hold it. Ids
// outside 0..v-1 are left out, so a tail of rows may stay untouched.
//
// starts has v+1 elements and rows at least len(ids); anything else is a broken
// invariant of the caller, and panics.
func Index(ids []int32, k, v int, starts, rows []int32) {
	if k < 1 || len(starts) != v+1 || len(rows) < len(ids) {
		panic(fmt.Sprintf("embed.Index: k=%d, %d starts for v=%d, %d rows for %d ids", k, len(starts), v, len(rows), len(ids)))
	}
	clear(starts)
	for _, id := range ids {
		if inside(id, v) {
			starts[id+1]++
		}
	}
	for t := range v {
		starts[t+1] += starts[t]
	}
	// Filling moves each start to its end, which is the next one's start.
	for i, id := range ids {
		if inside(id, v) {
			rows[starts[id]] = int32(i / k)
			starts[id]++
		}
	}
	copy(starts[1:], starts[:v])
	starts[0] = 0
}

func inside(id int32, v int) bool { return id >= 0 && int(id) < v }
