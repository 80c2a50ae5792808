package cnn

import (
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

const (
	wordBytes = 4
	// chunkBytes is what convolutions, attention and the search for the nearest code
	// take for a block of rows; 32 rows, if those are more.
	chunkBytes = 8 << 20
	chunkRows  = 32
	// alignBytes is the most that one tensor's place is rounded up by.
	alignBytes = 256
)

// WeightBytes is the device memory of some parameters.
func WeightBytes(params []Param) (n uint64) {
	for _, p := range params {
		n += uint64(tensor.Elems(p.deviceShape()))*wordBytes + alignBytes
	}
	return n
}

// Chunk is the temporary bytes of operations on blocks of rows of so many elements.
func Chunk(rows, elems int) uint64 {
	n := max(chunkBytes/(wordBytes*elems), chunkRows)
	return wordBytes * uint64(min(n, rows)) * uint64(elems)
}

// TilesBytes is the temporary of a convolution by tiles of 2 by 2 positions: 16 elements
// of each tile's input and output.
func TilesBytes(h, w, in, out int) uint64 {
	in, out = even(in), even(out)
	n := max(chunkBytes/(wordBytes*16*max(in, out)), chunkRows)
	return wordBytes * 16 * uint64(min(n, (h+1)/2*((w+1)/2))) * uint64(in+out)
}

// bytes is what a layer has alive at most: its input and output, what lies between,
// and a block's temporary. h and w are the rows and columns of its finer side.
func (l Layer) bytes(h, w int) uint64 {
	rows := h * w
	in, out := uint64(rows*even(l.in))*wordBytes, uint64(rows*even(l.out))*wordBytes
	switch l.op {
	case conv1:
		return in + out
	case conv3:
		return in + out + TilesBytes(h, w, l.in, l.out)
	case down:
		return in + out/4 + Chunk(rows/4, 9*l.in)
	case up:
		return max(in/4+in, in+out+TilesBytes(h, w, l.in, l.out))
	case attn:
		return 5*in + Chunk(rows, even(rows))
	case normOut:
		return in + NormBytes(l.in)
	}
	first := 2*in + out + TilesBytes(h, w, l.in, l.out)
	second := in + 2*out + TilesBytes(h, w, l.out, l.out)
	return max(first, second) + NormBytes(max(l.in, l.out))
}

// NormBytes are a group norm's partial sums.
func NormBytes(c int) uint64 { return uint64(64*c+4*groups) * wordBytes }

// programBytes is the device memory of a program over a picture of h by w pixels, an
// estimate from above: the temporaries do not pack without gaps.
func (m *Model) programBytes(side half, h, w int) uint64 {
	n := m.Reduction
	most := m.Latent.Bytes(h/n, w/n)
	_, code := m.Latent.Code(h/n, w/n)
	held := uint64(h*w*even(Colours)+code) * wordBytes
	if !side.encodes() {
		h, w = h/n, w/n
	}
	for _, l := range side.layers {
		if l.op == up {
			h, w = 2*h, 2*w
		}
		most = max(most, l.bytes(h, w))
		if l.op == down {
			h, w = h/2, w/2
		}
	}
	return most + most/8 + held + 1<<16
}

// Bytes is the device memory that [Open] asks for with the same arguments, an estimate
// from above. Errors are those of [Open], but for memory.
func Bytes(m Model, w nn.Weights, o Options) (uint64, error) {
	c := &Codec{model: m}
	if err := c.halves(w); err != nil {
		return 0, err
	}
	return c.bytes(o)
}

// bytes is that of the weights, with programs for the largest picture to come.
func (c *Codec) bytes(o Options) (uint64, error) {
	bytes := WeightBytes(c.all())
	if o.H == 0 && o.W == 0 {
		return bytes, nil
	}
	if err := c.model.checkSize(o.H, o.W); err != nil {
		return 0, err
	}
	most := uint64(0)
	for _, h := range []*half{c.enc, c.dec} {
		if h != nil {
			most = max(most, c.model.programBytes(*h, o.H, o.W))
		}
	}
	return bytes + most, nil
}
