package order

import (
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/cube"
)

// TestCubesAround looks at what one row is fed: cells of a grid of 4 by 4 in cubes of 2 by
// 2 cells of one frame, whose positions within a frame are
//
//	 0  1  4  5
//	 2  3  6  7
//	 8  9 12 13
//	10 11 14 15
func TestCubesAround(t *testing.T) {
	c := Cubes{Groups: cube.Groups{H: 4, W: 4, Size: cube.Size{T: 1, H: 2, W: 2}}}
	for _, x := range []struct {
		position int
		around   bool
		want     []int32
	}{
		{16 + 12, false, []int32{12, 16 + 9, 16 + 6}},
		{16 + 12, true, []int32{12, 16 + 9, 16 + 6, 3, 6, 7, 9, 13, 11, 14, 15}},
		{16 + 5, true, []int32{5, 16 + 1, -1, -1, -1, -1, 4, -1, 6, 7, -1}}, // the corner
		{3, true, []int32{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}},      // the first frame
	} {
		c.Around = x.around
		if len(x.want) != c.Fed() {
			t.Fatalf("a row is fed %d tokens, want %d", c.Fed(), len(x.want))
		}
		runs, err := c.Schedule(2, 0)
		if err != nil {
			t.Fatal(err)
		}
		var fed []int32
		for at := 0; at <= x.position; {
			r, err := runs.Next(make([]uint32, at))
			if err != nil {
				t.Fatal(err)
			}
			fed = append(fed, r.Inputs...)
			at = len(fed) / c.Fed()
		}
		if got := fed[x.position*c.Fed():][:c.Fed()]; !slices.Equal(got, x.want) {
			t.Errorf("position %d is fed %v, want %v", x.position, got, x.want)
		}
	}
}
