package octree

import (
	"math/rand/v2"
	"testing"
)

func TestEncodeKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		x, y, z uint32
		want    Key
	}{
		{0, 0, 0, 0},
		{0, 0, 1, 1},
		{0, 1, 0, 2},
		{1, 0, 0, 4},
		{1, 1, 1, 7},
		{2, 0, 0, 32},
		{5, 3, 6, 0b_101_011_110}, // x = 101, y = 011, z = 110, read column by column
		{1023, 0, 1023, 0b_101_101_101_101_101_101_101_101_101_101},
		{0xffff, 0xffff, 0xffff, 1<<48 - 1},
		{0x8000, 0, 0, 1 << 47},
	} {
		if got := Encode(c.x, c.y, c.z); got != c.want {
			t.Errorf("Encode(%d, %d, %d) = %b, want %b", c.x, c.y, c.z, got, c.want)
		}
	}
}

// slowEncode follows the definition bit by bit.
func slowEncode(x, y, z uint32) Key {
	var k Key
	for i := range KeyLevels {
		k |= Key(x>>i&1)<<(3*i+2) | Key(y>>i&1)<<(3*i+1) | Key(z>>i&1)<<(3*i)
	}
	return k
}

func TestEncodeFollowsItsDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		x, y, z := r.Uint32N(1<<16), r.Uint32N(1<<16), r.Uint32N(1<<16)
		k := Encode(x, y, z)
		if want := slowEncode(x, y, z); k != want {
			t.Fatalf("Encode(%d, %d, %d) = %b, want %b", x, y, z, k, want)
		}
		if a, b, c := k.Decode(); a != x || b != y || c != z {
			t.Fatalf("Decode(%b) = %d, %d, %d, want %d, %d, %d", k, a, b, c, x, y, z)
		}
		if k.Parent().Child(k.ChildIndex()) != k || k.Ancestor(2) != k.Parent().Parent() {
			t.Fatalf("key %b: parent and child disagree", k)
		}
	}
}

func TestOffsetStopsAtTheDomain(t *testing.T) {
	k := Encode(0, 3, 7)
	if got, ok := k.Offset(3, 1, -1, 0); !ok || got != Encode(1, 2, 7) {
		t.Errorf("Offset inside = %v, %v", got, ok)
	}
	for _, step := range [][3]int{{-1, 0, 0}, {0, 5, 0}, {0, 0, 1}, {0, -4, 0}} {
		if _, ok := k.Offset(3, step[0], step[1], step[2]); ok {
			t.Errorf("Offset %v stays inside", step)
		}
	}
}
