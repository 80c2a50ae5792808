package octree_test

import (
	"testing"

	"github.com/morton-gen/morton/octree"
)

// cut takes n values off the front of data, fewer at its end.
func cut(data []byte, n int) (head, rest []byte) {
	n = min(n, len(data))
	return data[:n], data[n:]
}

// FuzzFromOccupancy reads bytes as one dense level and the occupancy bytes
// below it, as many a level as it has nodes while there are any.
func FuzzFromOccupancy(f *testing.F) {
	f.Add(uint8(0), []byte{1, 0xff, 1, 2, 4, 8, 16, 32, 64, 128})
	f.Add(uint8(1), []byte{0x81, 0x10, 0x02, 0x03, 0x01})
	f.Add(uint8(10), []byte{1, 1})
	f.Add(uint8(3), []byte{0, 0, 7})
	f.Fuzz(func(t *testing.T, depth uint8, data []byte) {
		var base []octree.Key
		head, rest := cut(data, 1)
		for _, bits := range head {
			for k := range 8 {
				if bits>>k&1 == 1 {
					base = append(base, octree.Key(k))
				}
			}
		}
		o, err := octree.FromOccupancy(int(depth), base)
		for err == nil && len(rest) > 0 && o.Depth < octree.MaxDepth {
			head, rest = cut(rest, o.Len(o.Depth))
			var next *octree.Octree
			next, err = octree.FromOccupancy(o.Depth, o.Leaves(), head)
			grown, report, growErr := o.Grow(head)
			if err == nil && (growErr != nil || report.Died != 0 || !grown.Equal(next)) {
				t.Fatalf("Grow and FromOccupancy disagree: %+v %v", report, growErr)
			}
			if growErr == nil {
				checkInvariants(t, grown)
				next, err = grown, nil
			}
			o = next
		}
		if err == nil {
			checkInvariants(t, o)
			checkTokens(t, o)
		}
	})
}
