package engine

import (
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/models/system"
)

// promptRows is how many rows of a prompt are read at once; no bit depends on it.
const promptRows = 64

// Bytes is the device memory a decoder needs: weights, caches and tables, and an
// estimate from above of what the temporaries of its largest program take. All programs
// share them.
func Bytes(sys *system.System, o DecoderOptions) uint64 {
	o.complete(sys)
	bytes := sys.Params.Bytes(o.Precision) + sys.Dims(o.Slots).Bytes()
	for _, a := range sys.Params.Attentions {
		bytes += 2 * 2 * uint64(o.Pages) * attention.MinPage * uint64(a.KeyHeads()*a.HeadDim) // K and V, in halves
	}
	bytes += 4 * uint64(o.Slots) * uint64(sys.Layout.Length) * uint64(sys.Layout.Features)
	return bytes + arenaBytes(sys, o)
}

// arenaBytes is the memory of the temporaries: of a step in which every slot draws, and
// prompts bring what rows they may.
func arenaBytes(sys *system.System, o DecoderOptions) uint64 {
	rows := o.Slots*max(sys.Layout.Group, 1) + o.Rows
	return 4 * uint64(powerOfTwo(rows)) * uint64(rowElems(sys))
}

// rowElems is the temporaries of a row that are alive at once, at most: some values as
// wide as the residual stream, what stands on both sides of the widest product, and the
// logits of two branches and what they are joined to.
func rowElems(sys *system.System) int {
	width, out := 0, 0
	for _, a := range sys.Params.Attentions {
		width = max(width, a.Heads*a.HeadDim)
	}
	for _, m := range sys.Params.Matrices() {
		out = max(out, m.Out)
	}
	d := sys.Dims(1)
	return 6*width + 3*out/2 + 3*sys.Head.Outputs()/2 + 3*d.Fed*max(sys.Token.Bits, 1) + 4*d.RowColumns() + 64
}

// Grain is the floating-point operations that each dispatch of a step of so many rows
// does on average: what gpu.Options wants to know before a decoder is made.
func Grain(sys *system.System, rows int) int64 {
	var weights int64
	for _, m := range sys.Params.Matrices() {
		weights += int64(m.Out) * int64(m.In)
	}
	// Six a layer; rows in, embedding, head, zeros, sampling, tokens out.
	dispatches := int64(6*len(sys.Params.Attentions) + 6)
	return 2 * int64(rows) * weights / dispatches
}
