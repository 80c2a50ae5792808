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
		bytes += 2 * uint64(o.Cache.DType().Bytes()) * uint64(o.Pages) * attention.MinPage * uint64(a.KeyHeads()*a.HeadDim) // K and V
	}
	bytes += 4*uint64(o.Slots)*uint64(sys.Layout.Places)*uint64(sys.Layout.State) + refinementBytes(sys, o)
	bytes += 4 * uint64(o.Slots) * uint64(sys.Layout.Length) * uint64(sys.Layout.Features)
	return bytes + arenaBytes(sys, o)
}

// arenaBytes bounds the temporaries of a step in which every slot draws and prompts
// bring the most rows.
func arenaBytes(sys *system.System, o DecoderOptions) uint64 {
	rows := o.Slots*max(sys.Layout.Group, 1) + o.Rows
	return 4 * uint64(powerOfTwo(rows)) * uint64(rowElems(sys))
}

// rowElems bounds the temporaries of a row that are alive at once. They are some values
// as wide as the residual stream, both sides of the widest product, and the logits of
// two branches with their combination.
func rowElems(sys *system.System) int {
	width, out := 0, 0
	for _, a := range sys.Params.Attentions {
		width = max(width, a.Heads*a.HeadDim)
	}
	for _, m := range sys.Params.Matrices() {
		out = max(out, m.Out)
	}
	d := sys.Dims(1)
	return 6*width + 3*out/2 + 3*sys.Head.Outputs()/2 + 3*d.Fed*max(sys.Token.Bits, 1) + 4*d.RowColumns() + 64 + sys.Layout.Extra
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
