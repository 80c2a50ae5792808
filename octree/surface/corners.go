package surface

import (
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/keyset"
)

// field gives every corner of the grid a side, inside or outside. Corners of
// leaves, the known ones, have what their leaves say; any other corner has what
// the empty node has whose cell begins at it.
type field struct {
	o        *octree.Octree
	known    *keyset.Set // of corners, which have one level more than cells
	sides    []bool      // by rank in known
	regions  *regions
	disputed int // known corners about which their leaves differ
}

// cornerKey names the corner of a cell: corners have coordinates 0 to 2^D.
func cornerKey(cell octree.Key, corner int) octree.Key {
	x, y, z := cell.Decode()
	return octree.Encode(x+uint32(corner>>2), y+uint32(corner>>1&1), z+uint32(corner&1))
}

// newField settles the known corners by majority, a tie meaning inside. Corners
// on the domain's border are outside, so that every crossed edge has four cells.
func newField(o *octree.Octree, codes []Code) *field {
	f := &field{o: o, known: keyset.New(o.Depth + 1)}
	for _, k := range o.Leaves() {
		for c := range 8 {
			f.known.Add(uint64(cornerKey(k, c)))
		}
	}
	f.sides = make([]bool, f.known.Seal())
	f.settle(tally(f.known, o, codes))
	f.regions = newRegions(o)
	f.voteOnRegions()
	f.regions.decide()
	return f
}

// ballot counts the leaves that put a corner inside, and all that touch it.
type ballot struct{ inside, all int8 }

func tally(known *keyset.Set, o *octree.Octree, codes []Code) []ballot {
	ballots := make([]ballot, known.Len())
	for i, k := range o.Leaves() {
		for c := range 8 {
			b := &ballots[known.Rank(uint64(cornerKey(k, c)))]
			b.all++
			b.inside += int8(codes[i].Signs >> c & 1)
		}
	}
	return ballots
}

func (f *field) settle(ballots []ballot) {
	at := 0
	for k := range f.known.All {
		b := ballots[at]
		f.sides[at] = b.inside > 0 && 2*b.inside >= b.all && !f.onBorder(octree.Key(k))
		if b.inside != 0 && b.inside != b.all {
			f.disputed++
		}
		at++
	}
}

func (f *field) onBorder(corner octree.Key) bool {
	last := uint32(1) << f.o.Depth
	x, y, z := corner.Decode()
	return x == 0 || y == 0 || z == 0 || x == last || y == last || z == last
}

// voteOnRegions lets the four corners of each face between a leaf and an empty node say
// on which side the node is.
func (f *field) voteOnRegions() {
	for _, k := range f.o.Leaves() {
		for i, s := range octree.FaceOffsets {
			next, ok := k.Offset(f.o.Depth, s[0], s[1], s[2])
			if !ok {
				continue
			}
			node, empty := f.regions.of(next)
			if !empty {
				continue
			}
			for _, c := range cellFaces[5-i].corners {
				f.regions.votes[node] += sign(f.sides[f.known.Rank(uint64(cornerKey(k, c)))])
			}
		}
	}
}

func sign(inside bool) int64 {
	if inside {
		return 1
	}
	return -1
}

// at returns the side of any corner, and whether it is a known one.
func (f *field) at(corner octree.Key) (inside, known bool) {
	if r := f.known.Rank(uint64(corner)); r >= 0 {
		return f.sides[r], true
	}
	if f.onBorder(corner) {
		return false, false
	}
	node, _ := f.regions.of(corner) // the cell whose low corner this is
	return f.regions.sides[node], false
}

// signs returns the eight corner signs of any cell.
func (f *field) signs(cell octree.Key) (signs uint8) {
	for c := range 8 {
		if in, _ := f.at(cornerKey(cell, c)); in {
			signs |= 1 << c
		}
	}
	return signs
}
