package order

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/cube"
	"github.com/morton-gen/morton/models/system"
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

// TestCubesInSets looks at what rows see and are fed where a cube of a frame of 2 by 4 cells
// is predicted in four sets. Positions within a frame are
//
//	0 4 1 5
//	6 2 7 3
func TestCubesInSets(t *testing.T) {
	c := Cubes{Groups: cube.Groups{H: 2, W: 4, Size: cube.Size{T: 1, H: 2, W: 4}, Sets: 4}, Around: true}
	runs, err := c.Schedule(2, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := runs.Next(nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Group != 2 || r.GroupTargets != 2 || r.N != 16 {
		t.Errorf("%d rows in groups of %d, which ask for %d", r.N, r.Group, r.GroupTargets)
	}
	for _, x := range []struct {
		position, sees int
		fed            []int32 // the cell before in time, then those next to it, then those around the first
	}{
		{1, 2, []int32{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}},
		{8 + 1, 10, []int32{1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 4, 5, 2, 7, 3}},
		{8 + 2, 12, []int32{2, 8, -1, 9, -1, -1, -1, -1, -1, 0, 4, 1, 6, 7, -1, -1, -1}},
		{8 + 4, 14, []int32{4, -1, -1, -1, 8, 9, -1, 10, -1, -1, -1, -1, 0, 1, 6, 2, 7}},
		{8 + 7, 16, []int32{7, 12, 9, 13, 10, 11, -1, -1, -1, 4, 1, 5, 2, 3, -1, -1, -1}},
	} {
		if got := r.Inputs[x.position*c.Fed():][:c.Fed()]; !slices.Equal(got, x.fed) {
			t.Errorf("position %d is fed %v, want %v", x.position, got, x.fed)
		}
		if got := r.KVLen[x.position]; int(got) != x.sees {
			t.Errorf("position %d sees %d, want %d", x.position, got, x.sees)
		}
	}
}

// TestCubesGuessed compares rows with those of Schedule, and their features with what was
// guessed of the frame before: here each cell's number and token.
func TestCubesGuessed(t *testing.T) {
	c := Cubes{Groups: cube.Groups{H: 4, W: 4, Size: cube.Size{T: 1, H: 2, W: 2}}, Around: true}
	const words, width, frames = 2, 3, 3
	n := c.H * c.W
	tokens := make([]uint32, frames*n*words)
	for i := range tokens {
		tokens[i] = uint32(100 + i)
	}
	guess := func(codes []uint32) (out []float32) {
		for cell := range n {
			out = append(out, float32(cell), float32(codes[cell*words]), float32(codes[cell*words+1]))
		}
		return out
	}
	for _, given := range []int{0, n, 2 * n} {
		plain, err := c.Schedule(frames, 0)
		if err != nil {
			t.Fatal(err)
		}
		want, err := plain.Next(nil)
		if err != nil {
			t.Fatal(err)
		}
		runs, err := c.Guessed(frames, tokens[:given*words], words, width, guess)
		if err != nil {
			t.Fatal(err)
		}
		var got Positions
		for at := 0; at < frames*n; at += n {
			r, err := runs.Next(tokens[:at*words])
			if err != nil || r.N != n {
				t.Fatalf("%d rows at %d: %v", r.N, at, err)
			}
			if asks := at >= given; asks != (r.GroupTargets > 0) || asks && r.Targets.At[0] != int32(at) {
				t.Errorf("%d given: the run at %d asks for %v", given, at, r.Targets.At)
			}
			got.Inputs, got.Axes, got.KVLen, got.Features = append(got.Inputs, r.Inputs...), append(got.Axes, r.Axes...), append(got.KVLen, r.KVLen...), append(got.Features, r.Features...)
		}
		if !slices.Equal(got.Inputs, want.Inputs) || !slices.Equal(got.Axes, want.Axes) || !slices.Equal(got.KVLen, want.KVLen) {
			t.Error("rows differ from those without a guess")
		}
		if _, err := runs.Next(tokens); err != io.EOF {
			t.Errorf("after the last frame: %v", err)
		}
		each := width + c.Ids()
		for p := range frames * n {
			f, raster := got.Features[p*each:(p+1)*each], c.Raster(p%n)
			expect := make([]float32, each)
			if p >= n {
				before := p/n*n - n
				for q := range n {
					if c.Raster(q) == raster {
						copy(expect, []float32{float32(raster), float32(tokens[(before+q)*words]), float32(tokens[(before+q)*words+1])})
					}
				}
			}
			for _, id := range want.Fixed[p*CubeFixed : (p+1)*CubeFixed] {
				expect[width+int(id)] = 1
			}
			if !slices.Equal(f, expect) {
				t.Fatalf("features of position %d: %v, want %v", p, f, expect)
			}
		}
		if _, err := runs.Next(tokens); err != io.EOF {
			t.Errorf("after the end: %v", err)
		}
	}
	for name, given := range map[string]int{"part of a frame": 4, "too many": 4 * n} {
		if _, err := c.Guessed(frames, make([]uint32, given*words), words, width, guess); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
