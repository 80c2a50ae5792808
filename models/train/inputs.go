package train

import (
	"math"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

// inputs are what a batch gives the network, on the host and on the device. A draw has a
// slot: the row that predicts it, or with several directions its number in its sequence.
type inputs struct {
	token system.Token
	dims  step.Dims
	r     int // rows, and slots

	ids, starts, rows, axes, key *gpu.Tensor
	// codes are expanded on the device from bits, u32 [r·f, words]; valid says of which.
	codes, bits, valid                      *gpu.Tensor
	features, targets, weight, loss         *gpu.Tensor
	losses                                  *gpu.Tensor // f32 [n+1]: loss, and an element of the run's
	means                                   tape.MeanArgs
	hostIDs, hostAxes, hostKey, hostTargets []int32
	hostFrom                                []int32 // [r, h] rows that a slot's token comes from; nil for one direction
	hostBits, hostValid                     []int32
	hostFeatures, hostWeight                []float32
}

func (in *inputs) make(dev *gpu.Device, sys *system.System, b, n int) error {
	in.token, in.dims, in.r = sys.Token, sys.Dims(1), b*n
	r, cols, h := in.r, max(in.dims.IDColumns(), 1), max(sys.Layout.Directions, 1)
	in.hostIDs, in.hostAxes = make([]int32, r*cols), make([]int32, r*in.dims.Axes)
	in.hostKey, in.hostTargets = make([]int32, r), make([]int32, r*sys.Token.Words())
	in.hostWeight = make([]float32, r*max(sys.Token.Sub, 1))
	list := []input{
		{&in.ids, tensor.I32, []int{r, cols}},
		{&in.starts, tensor.I32, []int{in.dims.TableRows() + 1}},
		{&in.rows, tensor.I32, []int{r * cols}},
		{&in.axes, tensor.I32, []int{r, in.dims.Axes}},
		{&in.key, tensor.I32, []int{b, n}},
		{&in.targets, tensor.I32, []int{r, sys.Token.Words()}},
		{&in.weight, tensor.F32, []int{len(in.hostWeight)}},
		{&in.losses, tensor.F32, []int{len(in.hostWeight) + 1}},
	}
	if sys.Token.Bits > 0 {
		list[5].typ = tensor.U32
		if in.dims.Fed > 0 {
			fed := r * in.dims.Fed
			in.hostBits, in.hostValid = make([]int32, fed*sys.Token.Words()), make([]int32, fed)
			list = append(list, input{&in.codes, tensor.F32, []int{r, in.dims.Fed * sys.Token.Bits}},
				input{&in.bits, tensor.U32, []int{fed, sys.Token.Words()}}, input{&in.valid, tensor.I32, []int{fed}})
		}
	}
	if f := sys.Layout.Features; f > 0 {
		in.hostFeatures = make([]float32, r*f)
		list = append(list, input{&in.features, tensor.F32, []int{r, f}})
	}
	if h > 1 {
		in.hostFrom = make([]int32, r*h)
		list = append(list,
			input{&in.means.Starts, tensor.I32, []int{r + 1}}, input{&in.means.Rows, tensor.I32, []int{r * h}},
			input{&in.means.ToStarts, tensor.I32, []int{r*h + 1}}, input{&in.means.ToRows, tensor.I32, []int{r * h}})
	}
	if err := allocate(dev, list); err != nil {
		return err
	}
	in.loss = in.losses.View(0, len(in.hostWeight))
	return nil
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

func (in *inputs) free() {
	m := &in.means
	for _, x := range []*gpu.Tensor{
		in.ids, in.starts, in.rows, in.axes, in.key, in.targets, in.weight, in.losses, in.codes, in.bits, in.valid, in.features, m.Starts, m.Rows, m.ToStarts, m.ToRows,
	} {
		x.Free()
	}
}

// clear fills the batch with padding.
func (in *inputs) clear() {
	for _, none := range [][]int32{in.hostIDs, in.hostFrom} {
		for i := range none {
			none[i] = -1
		}
	}
	// No row that counts sees padding, whose key is past all others.
	for i := range in.hostKey {
		in.hostKey[i] = math.MaxInt32
	}
	clear(in.hostAxes)
	clear(in.hostValid)
	clear(in.hostFeatures)
	clear(in.hostWeight)
	for i := range in.hostTargets {
		in.hostTargets[i] = 0
		if in.token.Bits == 0 {
			in.hostTargets[i] = -1
		}
	}
}

// setRow makes row i of the batch row p of a sequence, whose tokens are given.
func (in *inputs) setRow(i int, r *system.Rows, p int, tokens []uint32) {
	d := &in.dims
	copy(in.hostIDs[i*d.IDColumns():], r.Fixed[p*d.Fixed:(p+1)*d.Fixed])
	for f := range d.Fed {
		in.feed(i, f, int(r.Fed[p*d.Fed+f]), tokens)
	}
	copy(in.hostAxes[i*d.Axes:(i+1)*d.Axes], r.Axes[p*d.Axes:])
	in.hostKey[i] = r.Sees[p]
	if in.features != nil {
		k := in.features.Dim(-1)
		copy(in.hostFeatures[i*k:(i+1)*k], r.Features[p*k:])
	}
}

// feed feeds a row the token of position from.
func (in *inputs) feed(row, f, from int, tokens []uint32) {
	d, words := &in.dims, in.token.Words()
	if in.token.Bits == 0 {
		for s := range words {
			id := int32(-1)
			switch {
			case from >= 0:
				id = d.FedID(f, s, int64(tokens[from*words+s]))
			case from == system.Start:
				id = d.FedID(f, s, -1)
			}
			in.hostIDs[row*d.IDColumns()+d.Fixed+f*words+s] = id
		}
		return
	}
	if from < 0 {
		return
	}
	in.hostValid[row*d.Fed+f] = 1
	for i, w := range tokens[from*words : (from+1)*words] {
		in.hostBits[(row*d.Fed+f)*words+i] = int32(w)
	}
}

// expand records the codes that rows are fed, from their bits.
func (in *inputs) expand(r *gpu.Recorder) {
	if in.codes != nil {
		bsq.Expand(r, bsq.ExpandArgs{Bits: in.bits, Valid: in.valid, Code: in.codes.View(0, in.valid.Elems(), in.token.Bits)})
	}
}

// setTarget says what a slot predicts, and returns the number of tokens that count. The
// last ignored sub-tokens do not.
func (in *inputs) setTarget(slot int, token []uint32, ignored int) int {
	words := len(token)
	for s, x := range token {
		in.hostTargets[slot*words+s] = int32(x)
	}
	if in.token.Bits > 0 {
		in.hostWeight[slot] = 1
		return 1
	}
	for s := range words {
		if s >= words-ignored {
			in.hostTargets[slot*words+s] = -1
			continue
		}
		in.hostWeight[slot*words+s] = 1
	}
	return words - ignored
}

// taken reports whether a slot has a target. The first sub-token always counts.
func (in *inputs) taken(slot int) bool { return in.hostWeight[slot*max(in.token.Sub, 1)] != 0 }

// upload copies the batch to the device. Gradients are multiplied by scale.
func (in *inputs) upload(scale float32) error {
	rowsOf := in.dims.TableRows()
	cols := max(in.dims.IDColumns(), 1)
	starts, list := make([]int32, rowsOf+1), make([]int32, in.r*cols)
	embed.Index(in.hostIDs, cols, rowsOf, starts, list)
	weight := slices.Clone(in.hostWeight)
	for i := range weight {
		weight[i] *= scale
	}
	ints := []struct {
		to   *gpu.Tensor
		data []int32
	}{{in.ids, in.hostIDs}, {in.starts, starts}, {in.rows, list}, {in.axes, in.hostAxes}, {in.key, in.hostKey}, {in.targets, in.hostTargets}, {in.bits, in.hostBits}, {in.valid, in.hostValid}}
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
	}{{in.weight, weight}, {in.features, in.hostFeatures}}
	for _, w := range floats {
		if w.to == nil {
			continue
		}
		if err := w.to.WriteF32(w.data); err != nil {
			return err
		}
	}
	return in.uploadMeans()
}

// uploadMeans says which rows of the directions' logits each slot is the mean of.
func (in *inputs) uploadMeans() error {
	if in.hostFrom == nil {
		return nil
	}
	h := len(in.hostFrom) / in.r
	starts, list := make([]int32, in.r+1), make([]int32, 0, in.r*h)
	for slot := range in.r {
		for d, from := range in.hostFrom[slot*h : (slot+1)*h] {
			if from >= 0 {
				list = append(list, int32(d*in.r)+from)
			}
		}
		starts[slot+1] = int32(len(list))
	}
	list = list[:in.r*h]
	toStarts, toRows := make([]int32, in.r*h+1), make([]int32, in.r*h)
	rows.Transpose(starts, list, in.r*h, toStarts, toRows)
	m := &in.means
	for i, x := range []*gpu.Tensor{m.Starts, m.Rows, m.ToStarts, m.ToRows} {
		if err := x.WriteI32([][]int32{starts, list, toStarts, toRows}[i]); err != nil {
			return err
		}
	}
	return nil
}

// sum is the loss of the batch, from that of its slots.
func (in *inputs) sum(losses []float32) (sum float64) {
	for i, w := range in.hostWeight {
		sum += float64(losses[i]) * float64(w)
	}
	return sum
}
