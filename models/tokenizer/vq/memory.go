package vq

import (
	"github.com/morton-gen/morton/gpu/tensor"
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

// weightBytes is the device memory of some parameters.
func weightBytes(params []param) (n uint64) {
	for _, p := range params {
		n += uint64(tensor.Elems(p.deviceShape()))*wordBytes + alignBytes
	}
	return n
}

// chunk is the temporary for a block of rows of so many elements.
func chunk(rows, elems int) uint64 {
	n := max(chunkBytes/(wordBytes*elems), chunkRows)
	return wordBytes * uint64(min(n, rows)) * uint64(elems)
}

// bytes is what a layer has alive at most: its input and output, what lies between,
// and a block's temporary. rows are the positions of its finer side.
func (l layer) bytes(rows int) uint64 {
	in, out := uint64(rows*even(l.in))*wordBytes, uint64(rows*even(l.out))*wordBytes
	switch l.op {
	case conv1:
		return in + out
	case conv3, down:
		return in + out + chunk(rows, 9*even(l.in))
	case up:
		return max(in/4+in, in+out+chunk(rows, 9*l.in))
	case attn:
		return 5*in + chunk(rows, even(rows))
	case normOut:
		return in + normBytes(l.in)
	}
	return in + max(in+out, 2*out) + chunk(rows, 9*max(l.in, l.out)) + normBytes(max(l.in, l.out))
}

// normBytes are a group norm's partial sums.
func normBytes(c int) uint64 { return uint64(64*c+4*groups) * wordBytes }

// programBytes is the device memory of a program over a picture of so many pixels, an
// estimate from above: the temporaries do not pack without gaps.
func (c Config) programBytes(h half, pixels int) uint64 {
	encodes := h.layers[0].in == colours
	rows, most := pixels, uint64(0)
	if !encodes {
		rows = pixels / (c.Reduction() * c.Reduction())
		most = uint64(rows*(c.CodebookEmbedDim+c.ZChannels)) * wordBytes
	}
	for _, l := range h.layers {
		if l.op == up {
			rows *= 4
		}
		most = max(most, l.bytes(rows))
		if l.op == down {
			rows /= 4
		}
	}
	if encodes {
		most = max(most, uint64(c.CodebookSize+rows*c.CodebookEmbedDim)*wordBytes+chunk(rows, c.CodebookSize))
	}
	tokens := pixels / (c.Reduction() * c.Reduction())
	return most + most/8 + uint64(pixels*even(colours)+tokens)*wordBytes + 1<<16
}
