package train

import (
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

// inputs are what a batch gives the last pass of the network, on the host and on the
// device. A draw has a slot: the row that predicts it, with several directions its number in
// its sequence, and of real numbers that of each of its lessons.
type inputs struct {
	rowInputs
	teacher system.Teacher // nil for tokens of indices and bits
	each    int            // lessons of a token
	slots   int

	targets, weight, loss  *gpu.Tensor
	losses                 *gpu.Tensor // f32 [n+1]: loss, and an element of the run's
	canvas                 *gpu.Tensor
	means                  tape.MeanArgs
	lessons, chained       nn.Index
	hostChained            []int32
	hostTargets            []int32
	hostFrom               []int32 // [r, h] rows that a slot's token comes from; nil for one direction
	hostTaught, hostCanvas []int32
	hostLessons            []float32
	hostWeight             []float32
}

func (in *inputs) make(dev *gpu.Device, sys *system.System, b, n int) error {
	list := in.rowInputs.list(sys, b, n)
	r, h, slots := in.r, max(sys.Layout.Directions, 1), b*n
	in.teacher, _ = sys.Head.(system.Teacher)
	if in.teacher != nil {
		each, numbers := in.teacher.Lessons()
		slots = b * sys.Cells() * each
		in.each, in.hostLessons, in.hostTaught = each, make([]float32, slots*numbers), make([]int32, slots)
		list = append(list, input{&in.targets, tensor.F32, []int{slots, numbers}})
		list = append(list, index(&in.lessons, slots, r)...)
	} else {
		in.hostTargets = make([]int32, r*sys.Token.Words())
		typ := tensor.I32
		if sys.Token.Bits > 0 {
			typ = tensor.U32
		}
		list = append(list, input{&in.targets, typ, []int{r, sys.Token.Words()}})
		if c, chained := sys.Head.(system.Chainer); chained {
			n := len(in.hostTargets) * (sys.Token.Sub - 1)
			in.hostChained = make([]int32, n)
			list = append(list, index(&in.chained, n, c.ChainRows())...)
		}
	}
	in.slots = slots
	in.hostWeight = make([]float32, slots*max(sys.Token.Sub, 1))
	list = append(list, input{&in.weight, tensor.F32, []int{len(in.hostWeight)}}, input{&in.losses, tensor.F32, []int{len(in.hostWeight) + 1}})
	if sys.Layout.Raw && sys.Token.Width == 0 {
		in.hostCanvas = make([]int32, b*sys.Layout.Length)
		list = append(list, input{&in.canvas, tensor.I32, []int{b, sys.Layout.Length}})
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

func (in *inputs) free() {
	in.rowInputs.free()
	m := &in.means
	for _, x := range []*gpu.Tensor{in.targets, in.weight, in.losses, in.canvas, m.Starts, m.Rows, m.ToStarts, m.ToRows, in.lessons.IDs, in.lessons.Starts, in.lessons.Rows, in.chained.IDs, in.chained.Starts, in.chained.Rows} {
		x.Free()
	}
}

// clear fills the batch with padding.
func (in *inputs) clear() {
	in.rowInputs.clear()
	for _, none := range [][]int32{in.hostFrom, in.hostTaught} {
		for i := range none {
			none[i] = -1
		}
	}
	clear(in.hostLessons)
	clear(in.hostCanvas)
	clear(in.hostWeight)
	for i := range in.hostTargets {
		in.hostTargets[i] = 0
		if in.token.Bits == 0 {
			in.hostTargets[i] = -1
		}
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

// teach makes the lessons of a token that a row predicts, from a slot on.
func (in *inputs) teach(slot, row int, token []float32, within [2]int32, r *rand.Rand) {
	n := len(in.hostLessons) / in.slots
	for i := slot; i < slot+in.each; i++ {
		in.teacher.Lesson(r, token, within, in.hostLessons[i*n:(i+1)*n])
		in.hostTaught[i], in.hostWeight[i] = int32(row), 1/float32(in.each)
	}
}

// upload copies the batch to the device. Gradients are multiplied by scale.
func (in *inputs) upload(scale float32) error {
	if err := in.rowInputs.upload(); err != nil {
		return err
	}
	if err := in.uploadWeight(scale); err != nil {
		return err
	}
	if in.canvas != nil {
		if err := in.canvas.WriteI32(in.hostCanvas); err != nil {
			return err
		}
	}
	if in.teacher != nil {
		return errors.Join(in.targets.WriteF32(in.hostLessons), uploadIndex(in.lessons, in.hostTaught, 1))
	}
	return errors.Join(in.targets.WriteI32(in.hostTargets), in.uploadMeans(), in.uploadChain())
}

// weights is the number of weights of n rows, one for each sub-token.
func (in *inputs) weights(n int) int { return n * max(in.token.Sub, 1) }

// uploadWeight copies the weights to the device, multiplied by scale.
func (in *inputs) uploadWeight(scale float32) error {
	weight := slices.Clone(in.hostWeight)
	for i := range weight {
		weight[i] *= scale
	}
	return in.weight.WriteF32(weight)
}

// uploadChain says what the sub-tokens of a target are told.
func (in *inputs) uploadChain() error {
	if in.hostChained == nil {
		return nil
	}
	each := in.token.Sub - 1
	embed.ChainIDs(in.hostTargets, in.token.Sub, in.token.Values, in.hostChained)
	return uploadIndex(in.chained, in.hostChained, each)
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
