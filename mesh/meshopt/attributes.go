package meshopt

import "fmt"

// Elements are packed in blocks, bytes in groups: byte 0 of all elements of a
// block, then byte 1 of all, each as differences from the element before.
const (
	groupElements = 16
	blockBytes    = 8192
	blockElements = 256
	tailBytes     = 32
)

// attributes unpacks mode 0. The stream is a header byte, blocks, and a tail with
// the element before the first.
func attributes(data []byte, count, stride, size int) ([]byte, error) {
	tail := max(stride, tailBytes)
	r, end, err := header(data, 0xa0, 0, tail)
	if err != nil {
		return nil, err
	}
	perBlock := min(blockBytes/stride&^(groupElements-1), blockElements)
	// Each block has at least a byte of headers for each byte of an element.
	if blocks := (count + perBlock - 1) / perBlock; blocks*stride > len(r.data) {
		return nil, fmt.Errorf("%w: %d bytes for %d elements", ErrCorrupt, len(data), count)
	}
	out := make([]byte, size)
	last := append([]byte(nil), end[tail-stride:]...)
	for first := 0; first < count; first += perBlock {
		n := min(perBlock, count-first)
		for b := range stride {
			r.column(out[first*stride+b:], n, stride, &last[b])
		}
		if err := r.check(); err != nil {
			return nil, err
		}
	}
	if len(r.data) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrCorrupt, len(r.data))
	}
	return out, nil
}

// column unpacks one byte of each of n elements, stride bytes apart, and leaves
// the value of the last in last.
func (r *reader) column(out []byte, n, stride int, last *byte) {
	groups := (n + groupElements - 1) / groupElements
	bits := r.take((groups + 3) / 4)
	if bits == nil {
		return
	}
	var deltas [groupElements]byte
	for g := range groups {
		r.group(&deltas, bits[g/4]>>(g%4*2)&3)
		for i := range min(groupElements, n-g*groupElements) {
			*last += byte(unzigzag(uint32(deltas[i])))
			out[(g*groupElements+i)*stride] = *last
		}
	}
}

// group reads sixteen differences: none, of two or four bits, or whole bytes. In
// two or four bits the highest value says that a byte follows.
func (r *reader) group(deltas *[groupElements]byte, mode byte) {
	switch mode {
	case 0:
		*deltas = [groupElements]byte{}
	case 1:
		r.packed(deltas, 2)
	case 2:
		r.packed(deltas, 4)
	default:
		copy(deltas[:], r.take(groupElements))
	}
}

func (r *reader) packed(deltas *[groupElements]byte, bits int) {
	raw := r.take(groupElements * bits / 8)
	if raw == nil {
		return
	}
	sentinel := byte(1<<bits - 1)
	for i := range deltas {
		at := i * bits
		deltas[i] = raw[at/8] >> (8 - bits - at%8) & sentinel
		if deltas[i] == sentinel {
			deltas[i] = r.byte()
		}
	}
}
