package engine

import (
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/models/system"
)

// promptRows is the number of rows in a piece of a prompt. No bit depends on it.
const promptRows = 64

// Bytes returns the device memory that a decoder needs. It counts weights, caches and
// tables, and an upper bound of the temporaries of the largest program. All programs
// share these.
func Bytes(sys *system.System, o DecoderOptions) uint64 {
	o.complete(sys)
	bytes := sys.Params.Bytes(o.Precision) + sys.Dims(o.Slots).Bytes()
	for _, a := range sys.Params.Attentions {
		bytes += 2 * uint64(o.Cache.DType().Bytes()) * uint64(o.pages(&sys.Layout, a.Group)) * attention.MinPage * uint64(a.KeyHeads()*a.HeadDim) // K and V
		if s := sys.Layout.Sparse; s != nil {
			bytes += attention.PatternBytes(o.Slots, a.KeyHeads(), sys.Layout.Context, s.Block, s.Selection)
		}
	}
	bytes += 4*uint64(o.Slots)*uint64(sys.Layout.Places)*uint64(sys.Layout.State) + refinementBytes(sys, o)
	bytes += 4 * uint64(o.Slots) * uint64(sys.Layout.Length) * uint64(o.Recorded) * uint64(sys.Token.Width)
	bytes += 4 * uint64(o.Slots) * (uint64(featureRows(&sys.Layout))*uint64(sys.Layout.Features) + uint64(constraintWords(sys)))
	bytes += 4 * uint64(o.Slots) * uint64(sys.Dims(1).Length) // gaps
	return bytes + arenaBytes(sys, o)
}

// arenaBytes bounds the temporaries of a step in which every slot draws and prompts
// bring the most rows, and those of a refiner's table.
func arenaBytes(sys *system.System, o DecoderOptions) uint64 {
	g := max(sys.Layout.Group, 1)
	rows := max(powerOfTwo(o.Slots*g+o.Rows), roundUp(powerOfTwo(o.Slots)*g)) // as programs round them up
	bytes := 4 * uint64(rows) * uint64(rowElems(sys))
	if head, ok := sys.Head.(system.SpaciousHead); ok {
		bytes += 4 * uint64(powerOfTwo(o.Slots)) * uint64(head.Space())
	}
	if head, ok := sys.Head.(system.Refiner); ok {
		bytes = max(bytes, 4*uint64(head.Passes())*uint64(prepareElems(sys)))
	}
	return bytes
}

// prepareElems bounds the temporaries of a row of a refiner's table: both sides of two
// products.
func prepareElems(sys *system.System) (n int) {
	for _, m := range sys.Params.Matrices() {
		n = max(n, m.In+2*m.Out)
	}
	return n
}

// rowElems bounds the temporaries of a row that are alive at once. They are some values
// as wide as the residual stream, both sides of the widest product, and the logits of
// all branches with their combination.
func rowElems(sys *system.System) int {
	width, out, masses := sys.Layout.State, 0, 0
	for _, a := range sys.Params.Attentions {
		width = max(width, a.Heads*a.HeadDim)
		if s := sys.Layout.Sparse; s != nil { // attention by block, and what is kept
			masses = max(masses, 3*a.KeyHeads()*(sys.Layout.Context/s.Block+1))
		}
	}
	for _, m := range sys.Params.Matrices() {
		out = max(out, m.Out)
	}
	d := sys.Dims(1)
	return masses + 6*width + 3*out/2 + (max(sys.Layout.Branches, 2)+1)*sys.Head.Outputs()/2 + 3*d.Inputs*max(sys.Token.Bits, 1) + 4*d.RowColumns() + 64
}

// Grain returns the mean floating-point operations of a dispatch, in a step of so many
// rows. gpu.Options takes it before a decoder is made.
func Grain(sys *system.System, rows int) int64 {
	var weights int64
	for _, m := range sys.Params.Matrices() {
		weights += int64(m.Out) * int64(m.In)
	}
	// Six a layer; rows in, embedding, head, zeros, sampling, tokens out.
	dispatches := int64(6*len(sys.Params.Attentions) + 6)
	return 2 * int64(rows) * weights / dispatches
}
