package train

import (
	"errors"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// rowInputs are the rows that a batch gives a pass of the network, on the host and on the
// device.
type rowInputs struct {
	token  system.Token
	dims   step.Dims
	r      int         // rows
	tables int         // rows of the longest table
	kept   int         // states that passes before keep
	pass   system.Pass // zero for a network of one

	ids, starts, rows, axes, key *gpu.Tensor
	// codes are expanded on the device from bits, u32 [r·f, words]; valid says of which.
	codes, bits, valid         *gpu.Tensor
	features, real             *gpu.Tensor
	places                     nn.Index   // of axes, where rows have one
	recalled                   []nn.Index // by recall
	hostIDs, hostAxes, hostKey []int32
	hostBits, hostValid        []int32
	hostFeatures, hostReal     []float32
	hostRecalled               [][]int32
}

// list describes the tensors of b sequences of n rows.
func (in *rowInputs) list(sys *system.System, b, n int) []input {
	in.token, in.dims, in.r = sys.Token, sys.Dims(1), b*n
	in.tables = max(in.dims.TableRows(), sys.Params.TableRows())
	r, cols := in.r, max(in.dims.IDColumns(), 1)
	in.hostIDs, in.hostAxes, in.hostKey = make([]int32, r*cols), make([]int32, r*in.dims.Axes), make([]int32, r)
	list := []input{
		{&in.ids, tensor.I32, []int{r, cols}},
		{&in.starts, tensor.I32, []int{in.tables + 1}},
		{&in.rows, tensor.I32, []int{r * cols}},
		{&in.key, tensor.I32, []int{b, n}},
	}
	if in.dims.Axes > 0 {
		list = append(list, input{&in.axes, tensor.I32, []int{r, in.dims.Axes}})
	}
	if in.dims.Axes == 1 && sys.Passes != nil {
		list = append(list, index(&in.places, r, in.tables)[1:]...)
	}
	if sys.Token.Bits > 0 && in.dims.Inputs > 0 {
		fed := r * in.dims.Inputs
		in.hostBits, in.hostValid = make([]int32, fed*sys.Token.Words()), make([]int32, fed)
		list = append(list, input{&in.codes, tensor.F32, []int{r, in.dims.Inputs * sys.Token.Bits}},
			input{&in.bits, tensor.U32, []int{fed, sys.Token.Words()}}, input{&in.valid, tensor.I32, []int{fed}})
	}
	if w := sys.Token.Width; w > 0 {
		in.hostReal = make([]float32, r*in.dims.Inputs*w)
		list = append(list, input{&in.real, tensor.F32, []int{r, in.dims.Inputs * w}})
	}
	if f := sys.Layout.Features; f > 0 {
		in.hostFeatures = make([]float32, r*f)
		list = append(list, input{&in.features, tensor.F32, []int{r, f}})
	}
	if in.kept > 0 {
		n := max(sys.Layout.Recalls, 1)
		in.recalled, in.hostRecalled = make([]nn.Index, n), make([][]int32, n)
		for i := range in.recalled {
			in.hostRecalled[i] = make([]int32, r*in.pass.Span(i))
			list = append(list, index(&in.recalled[i], len(in.hostRecalled[i]), in.kept)...)
		}
	}
	return list
}

// index describes the tensors of n ids of a table of so many rows.
func index(x *nn.Index, n, rows int) []input {
	return []input{{&x.IDs, tensor.I32, []int{n}}, {&x.Starts, tensor.I32, []int{rows + 1}}, {&x.Rows, tensor.I32, []int{n}}}
}

// uploadIndex writes ids, of which a row has k, and where each stands.
func uploadIndex(x nn.Index, ids []int32, k int) error {
	starts, rows := make([]int32, x.Starts.Elems()), make([]int32, len(ids))
	embed.Index(ids, k, len(starts)-1, starts, rows)
	return errors.Join(x.IDs.WriteI32(ids), x.Starts.WriteI32(starts), x.Rows.WriteI32(rows))
}

// input is a tensor that is to be allocated.
type input struct {
	to    **gpu.Tensor
	typ   tensor.DType
	shape []int
}

func allocate(dev *gpu.Device, list []input) error {
	for _, x := range list {
		y, err := dev.NewTensor(x.typ, x.shape...)
		if err != nil {
			return err
		}
		*x.to = y
	}
	return nil
}

func (in *rowInputs) free() {
	all := []*gpu.Tensor{in.ids, in.starts, in.rows, in.axes, in.key, in.codes, in.bits, in.valid, in.features, in.real, in.places.Starts, in.places.Rows}
	for _, x := range in.recalled {
		all = append(all, x.IDs, x.Starts, x.Rows)
	}
	for _, x := range all {
		x.Free()
	}
}

// clear fills the rows with padding.
func (in *rowInputs) clear() {
	for _, none := range append([][]int32{in.hostIDs}, in.hostRecalled...) {
		for i := range none {
			none[i] = -1
		}
	}
	// No row that counts sees padding, whose key is past all others.
	for i := range in.hostKey {
		in.hostKey[i] = math.MaxInt32
	}
	for i := range in.hostAxes {
		in.hostAxes[i] = 0
		if in.places.Starts != nil {
			in.hostAxes[i] = -1
		}
	}
	clear(in.hostValid)
	clear(in.hostReal)
	clear(in.hostFeatures)
}

// setRow makes row i of the batch row p of a sequence, whose tokens are given. Kept has the
// numbers of the states that are kept, by place.
func (in *rowInputs) setRow(i int, r *system.Rows, p int, tokens []uint32, kept map[int32]int32) {
	d := &in.dims
	copy(in.hostIDs[i*d.IDColumns():], r.Fixed[p*d.Fixed:(p+1)*d.Fixed])
	for f := range d.Inputs {
		in.feed(i, f, int(r.Inputs[p*d.Inputs+f]), tokens)
	}
	copy(in.hostAxes[i*d.Axes:(i+1)*d.Axes], r.Axes[p*d.Axes:])
	in.hostKey[i] = r.KVLen[p]
	if in.features != nil {
		k := in.features.Dim(-1)
		copy(in.hostFeatures[i*k:(i+1)*k], r.Features[p*k:])
	}
	if r.Recall == nil {
		return
	}
	for j, to := range in.hostRecalled {
		first, span := r.Recall[p*len(in.hostRecalled)+j], in.pass.Span(j)
		for k := range span {
			if state, ok := kept[first+int32(k)]; ok && first >= 0 {
				to[i*span+k] = state
			}
		}
	}
}

// feed feeds a row the token of position from.
func (in *rowInputs) feed(row, f, from int, tokens []uint32) {
	d, words := &in.dims, in.token.Words()
	if in.real != nil {
		if from >= 0 {
			copy(in.hostReal[(row*d.Inputs+f)*words:], reals(tokens[from*words:(from+1)*words]))
		}
		return
	}
	if d.Codes && in.token.Bits == 0 {
		return // the canvas has the tokens
	}
	if in.token.Bits == 0 {
		for s := range words {
			id := int32(-1)
			switch {
			case from >= 0:
				id = d.InputID(f, s, int64(tokens[from*words+s]))
			case from == system.Start:
				id = d.InputID(f, s, -1)
			}
			in.hostIDs[row*d.IDColumns()+d.Fixed+f*words+s] = id
		}
		return
	}
	if from < 0 {
		return
	}
	in.hostValid[row*d.Inputs+f] = 1
	for i, w := range tokens[from*words : (from+1)*words] {
		in.hostBits[(row*d.Inputs+f)*words+i] = int32(w)
	}
}

// expand records the codes that rows are fed, from their bits.
func (in *rowInputs) expand(r *gpu.Recorder) {
	if in.codes != nil {
		bsq.Expand(r, bsq.ExpandArgs{Bits: in.bits, Valid: in.valid, Code: in.codes.View(0, in.valid.Elems(), in.token.Bits)})
	}
}

// reals are the numbers of a token.
func reals(token []uint32) []float32 {
	out := make([]float32, len(token))
	for i, x := range token {
		out[i] = math.Float32frombits(x)
	}
	return out
}

// upload copies the rows to the device.
func (in *rowInputs) upload() error {
	starts, list := make([]int32, in.tables+1), make([]int32, len(in.hostIDs))
	embed.Index(in.hostIDs, max(in.dims.IDColumns(), 1), in.tables, starts, list)
	ints := []struct {
		to   *gpu.Tensor
		data []int32
	}{{in.ids, in.hostIDs}, {in.starts, starts}, {in.rows, list}, {in.axes, in.hostAxes}, {in.key, in.hostKey}, {in.bits, in.hostBits}, {in.valid, in.hostValid}}
	for _, w := range ints {
		if w.to == nil {
			continue
		}
		if err := w.to.WriteI32(w.data); err != nil {
			return err
		}
	}
	floats := []struct {
		to   *gpu.Tensor
		data []float32
	}{{in.features, in.hostFeatures}, {in.real, in.hostReal}}
	for _, w := range floats {
		if w.to == nil {
			continue
		}
		if err := w.to.WriteF32(w.data); err != nil {
			return err
		}
	}
	if in.places.Starts != nil {
		in.places.IDs = in.axes.View(0, in.r)
		if err := uploadIndex(in.places, in.hostAxes, 1); err != nil {
			return err
		}
	}
	for i, x := range in.recalled {
		if err := uploadIndex(x, in.hostRecalled[i], 1); err != nil {
			return err
		}
	}
	return nil
}
