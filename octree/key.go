package octree

// KeyLevels is the deepest level a [Key] can name.
const KeyLevels = 16

// Key is the Morton code of a node among the nodes of its level: bit 3i+2 is
// bit i of x, bit 3i+1 of y and bit 3i of z.
type Key uint64

// Encode returns the key of the node at (x, y, z), of which the low 16 bits
// count.
func Encode(x, y, z uint32) Key {
	return Key(spread(x)<<2 | spread(y)<<1 | spread(z))
}

// Decode returns the coordinates of the node with key k; it inverts [Encode].
func (k Key) Decode() (x, y, z uint32) {
	return gather(uint64(k) >> 2), gather(uint64(k) >> 1), gather(uint64(k))
}

// Parent returns the key of the node one level up that holds k.
func (k Key) Parent() Key { return k >> 3 }

// Ancestor returns the key of the node the given number of levels up.
func (k Key) Ancestor(levels int) Key { return k >> (3 * levels) }

// Child returns the key of child c, 0 <= c < 8, one level down.
func (k Key) Child(c int) Key { return k<<3 | Key(c) }

// ChildIndex returns which child of its parent k is: 4·x_0 + 2·y_0 + z_0.
func (k Key) ChildIndex() int { return int(k & 7) }

// Offset returns the key of the node dx, dy, dz cells away on the same level,
// and false if that is outside the domain.
func (k Key) Offset(level, dx, dy, dz int) (Key, bool) {
	x, y, z := k.Decode()
	size := 1 << level
	i, j, l := int(x)+dx, int(y)+dy, int(z)+dz
	if i < 0 || j < 0 || l < 0 || i >= size || j >= size || l >= size {
		return 0, false
	}
	return Encode(uint32(i), uint32(j), uint32(l)), true
}

// spread moves bit i of the low 16 bits of v to bit 3i. Each step moves the
// upper half of every group of bits up and masks the copies away.
func spread(v uint32) uint64 {
	w := uint64(v) & 0xffff
	w = (w | w<<16) & 0x0000_ff00_00ff
	w = (w | w<<8) & 0x00f0_0f00_f00f
	w = (w | w<<4) & 0x0c30_c30c_30c3
	w = (w | w<<2) & 0x2492_4924_9249
	return w
}

// gather inverts spread, ignoring all bits but every third.
func gather(w uint64) uint32 {
	w &= 0x2492_4924_9249
	w = (w | w>>2) & 0x0c30_c30c_30c3
	w = (w | w>>4) & 0x00f0_0f00_f00f
	w = (w | w>>8) & 0x0000_ff00_00ff
	w = (w | w>>16) & 0xffff
	return uint32(w)
}
