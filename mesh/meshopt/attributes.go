package meshopt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Elements are packed in blocks, and a block's bytes in groups: byte 0 of all
// elements, then byte 1 of all, each as differences from the previous element.
// Four successive bytes of an element are a channel.
const (
	groupElements = 16
	blockBytes    = 8192
	blockElements = 256
)

// attributes unpacks mode 0. The stream is a header byte, blocks, and a tail of
// at least 32 bytes. In version 0 the tail ends with the initial previous
// element. In version 1 it has at least 24 bytes, and the modes of the channels
// follow that element.
func attributes(data []byte, count, stride, size int) ([]byte, error) {
	version1 := len(data) > 0 && data[0] == 0xa1
	modes := make([]byte, stride/4) // 0 in version 0
	tail := max(stride, 32)
	if version1 {
		tail = max(stride+stride/4, 24)
	}
	r, end, err := header(data, 0xa0, 1, tail)
	if err != nil {
		return nil, err
	}
	if version1 {
		copy(modes, end[tail-stride/4:])
		end = end[:tail-stride/4]
	}
	for _, m := range modes {
		if m&15 > 2 || m&15 < 2 && m > 15 {
			return nil, fmt.Errorf("%w: channel mode %#x", ErrCorrupt, m)
		}
	}
	perBlock := min(blockBytes/stride&^(groupElements-1), blockElements)
	// A block takes at least a byte per channel.
	if blocks := (count + perBlock - 1) / perBlock; blocks*stride/4 > len(r.data) {
		return nil, fmt.Errorf("%w: %d bytes for %d elements", ErrCorrupt, len(data), count)
	}
	b := block{r: r, stride: stride, modes: modes, last: bytes.Clone(end[len(end)-stride:]), version1: version1}
	out := make([]byte, size)
	for first := 0; first < count; first += perBlock {
		n := min(perBlock, count-first)
		if err := b.decode(out[first*stride:(first+n)*stride], n); err != nil {
			return nil, err
		}
	}
	return out, r.end()
}

// block unpacks the blocks of a stream one after the other.
type block struct {
	r        *reader
	stride   int
	modes    []byte // of channels
	last     []byte // the previous element
	version1 bool
	deltas   [4][blockElements]byte // of a channel
}

// Control modes of version 1 say how the groups of a byte are packed: with one of
// four numbers of bits, omitted because all are zero, or raw.
const (
	controlZero    = 2
	controlLiteral = 3
)

// groupBits are the bits of a difference, indexed by control mode 0 and 1 in
// version 1, or 2 for version 0, and by the two header bits of the group.
var groupBits = [3][4]int{{0, 1, 2, 4}, {1, 2, 4, 8}, {0, 2, 4, 8}}

func (b *block) decode(out []byte, n int) error {
	var control []byte
	if b.version1 {
		control = b.r.take(b.stride / 4)
	}
	if err := b.r.check(); err != nil {
		return err
	}
	for channel, mode := range b.modes {
		for i := range b.deltas {
			how := 0
			if b.version1 {
				how = int(control[channel]) >> (2 * i) & 3
			}
			b.column(b.deltas[i][:], n, how)
		}
		if err := b.r.check(); err != nil {
			return err
		}
		b.undo(out[4*channel:], n, mode, b.last[4*channel:4*channel+4])
	}
	return nil
}

// column reads the differences of one byte position of n elements.
func (b *block) column(deltas []byte, n, how int) {
	groups := (n + groupElements - 1) / groupElements
	switch {
	case b.version1 && how == controlZero:
		clear(deltas)
		return
	case b.version1 && how == controlLiteral:
		copy(deltas, b.r.take(n))
		return
	case !b.version1:
		how = 2
	}
	heads := b.r.take((groups + 3) / 4)
	if heads == nil {
		return
	}
	for g := range groups {
		group := deltas[g*groupElements : (g+1)*groupElements]
		switch width := groupBits[how][heads[g/4]>>(g%4*2)&3]; width {
		case 0:
			clear(group)
		case 8:
			copy(group, b.r.take(groupElements))
		default:
			b.r.packed(group, width)
		}
	}
}

// packed reads sixteen differences of 1, 2 or 4 bits. The highest value is an
// escape: a byte follows. One-bit values start at the low end of a byte, others
// at the high end.
func (r *reader) packed(deltas []byte, width int) {
	raw := r.take(groupElements * width / 8)
	if raw == nil {
		return
	}
	sentinel := byte(1<<width - 1)
	for i := range deltas {
		at := i * width
		shift := 8 - width - at%8
		if width == 1 {
			shift = at % 8
		}
		deltas[i] = raw[at/8] >> shift & sentinel
		if deltas[i] == sentinel {
			deltas[i] = r.byte()
		}
	}
}

// undo turns the differences of a channel into the bytes of n elements and
// stores the last element in last. Differences are of bytes, of 16-bit numbers,
// or of 32-bit numbers by exclusive or and a rotation.
func (b *block) undo(out []byte, n int, mode byte, last []byte) {
	for e := range n {
		d := [4]byte{b.deltas[0][e], b.deltas[1][e], b.deltas[2][e], b.deltas[3][e]}
		switch mode & 15 {
		case 0:
			for i := range d {
				last[i] += byte(unzigzag(uint32(d[i])))
			}
		case 1:
			for i := 0; i < 4; i += 2 {
				x := binary.LittleEndian.Uint16(last[i:]) + uint16(unzigzag(uint32(binary.LittleEndian.Uint16(d[i:]))))
				binary.LittleEndian.PutUint16(last[i:], x)
			}
		default:
			x := binary.LittleEndian.Uint32(last) ^ bits.RotateLeft32(binary.LittleEndian.Uint32(d[:]), -int(mode>>4))
			binary.LittleEndian.PutUint32(last, x)
		}
		copy(out[e*b.stride:], last)
	}
}
