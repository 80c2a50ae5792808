package rows

import "fmt"

// Transpose turns a table of the rows in each segment into one of the segments each of
// n rows is in, in order, once for each time: what [SegmentGrad] needs. Rows outside
// 0..n-1 are left out.
//
// toStarts has n+1 elements, and toRows as many as rows; starts must rise from 0 to no
// more than that. Anything else is a broken invariant of the caller, and panics.
func Transpose(starts, rows []int32, n int, toStarts, toRows []int32) {
	v := len(starts) - 1
	if v < 0 || len(toStarts) != n+1 || len(toRows) != len(rows) || starts[0] != 0 || int(starts[v]) > len(rows) {
		panic(fmt.Sprintf("rows.Transpose: %d starts, %d rows to %d starts for n=%d, %d rows", v+1, len(rows), len(toStarts), n, len(toRows)))
	}
	clear(toStarts)
	for _, r := range rows[:starts[v]] {
		if r >= 0 && int(r) < n {
			toStarts[r+1]++
		}
	}
	for j := range n {
		toStarts[j+1] += toStarts[j]
	}
	// Filling moves each start to its end, which is the next one's start.
	for t := range v {
		for _, r := range rows[starts[t]:starts[t+1]] {
			if r >= 0 && int(r) < n {
				toRows[toStarts[r]] = int32(t)
				toStarts[r]++
			}
		}
	}
	copy(toStarts[1:], toStarts[:n])
	toStarts[0] = 0
}
