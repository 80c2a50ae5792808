package transformer

import (
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

// Train is a network in training form: B sequences of N positions a step.
type Train struct {
	cfg     Config
	b, n    int
	options TrainOptions
	sys     *system.System
	head    system.Learner
	store   *params.Store
	rope    *nn.Rotaries

	ids, starts, rows, axes, key *gpu.Tensor
	codes, targets, weight, loss *gpu.Tensor
	forward, both                *gpu.Program

	hostIDs, hostAxes, hostKey, hostTargets []int32
	hostCodes, hostWeight                   []float32
}

// TrainOptions say how a network is trained. The zero value is useful.
type TrainOptions struct {
	// Precision is F32, BF16 or F16, "" meaning F32. With 16 bits, products read
	// matrices (Decay in params.Spec; the master is f32) and activations rounded to
	// them. The backward pass keeps activations so. Gradients are rounded where
	// products read them. Sums, norms, softmax, loss, the residual stream and the
	// gradients of parameters are f32. See docs/design.md.
	Precision Precision
	// Recompute keeps only the input of each block for the backward pass, and computes
	// the rest again. That is a third more work for a fraction of the memory. It
	// changes no bit.
	Recompute bool
}

// NewTrain builds the programs for b sequences of n positions. Errors:
// [ErrConfig], gpu's.
func NewTrain(dev *gpu.Device, cfg Config, b, n int, o TrainOptions) (*Train, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if b < 1 || n < 1 || n > cfg.Context {
		return nil, fmt.Errorf("transformer.NewTrain: %w: %d sequences of %d positions, context %d", ErrConfig, b, n, cfg.Context)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	sys := cfg.System()
	learner, ok := sys.Head.(system.Learner)
	if !ok {
		return nil, fmt.Errorf("transformer.NewTrain: %w: the loss of this head is not known", ErrConfig)
	}
	if err := o.Precision.Check(sys.Params); err != nil {
		return nil, err
	}
	t := &Train{cfg: cfg, sys: sys, head: learner, b: b, n: n, options: o}
	if err := t.build(dev); err != nil {
		t.Free()
		return nil, err
	}
	return t, nil
}

func (o *TrainOptions) check() error {
	if o.Precision == "" {
		o.Precision = F32
	}
	if !slices.Contains(TrainPrecisions, o.Precision) {
		return fmt.Errorf("transformer.NewTrain: %w: precision %q, want one of %v", ErrConfig, o.Precision, TrainPrecisions)
	}
	return nil
}

func (t *Train) build(dev *gpu.Device) (err error) {
	if t.store, err = params.New(dev, t.sys.Params.Specs(), true); err != nil {
		return err
	}
	if t.options.Precision != F32 {
		if err = t.store.KeepHalves(t.options.Precision.DType()); err != nil {
			return err
		}
	}
	if t.rope, err = nn.NewRotaries(dev, t.sys.Params); err != nil {
		return err
	}
	if err = t.inputs(dev); err != nil {
		return err
	}
	if t.forward, err = t.record(dev, false); err != nil {
		return err
	}
	t.both, err = t.record(dev, true)
	return err
}

func (t *Train) inputs(dev *gpu.Device) error {
	c, r := &t.cfg, t.b*t.n
	dims := t.sys.Dims(1)
	cols := max(dims.IDColumns(), 1)
	t.hostIDs, t.hostAxes = make([]int32, r*cols), make([]int32, r*dims.Axes)
	t.hostKey, t.hostTargets = make([]int32, r), make([]int32, r*c.Words())
	t.hostWeight = make([]float32, r*max(c.Sub, 1))
	list := []struct {
		t     **gpu.Tensor
		typ   tensor.DType
		shape []int
	}{
		{&t.ids, tensor.I32, []int{r, cols}},
		{&t.starts, tensor.I32, []int{dims.TableRows() + 1}},
		{&t.rows, tensor.I32, []int{r * cols}},
		{&t.axes, tensor.I32, []int{r, dims.Axes}},
		{&t.key, tensor.I32, []int{t.b, t.n}},
		{&t.targets, t.targetType(), []int{r * c.Words()}},
		{&t.weight, tensor.F32, []int{len(t.hostWeight)}},
		{&t.loss, tensor.F32, []int{len(t.hostWeight)}},
	}
	if c.Bits > 0 {
		t.hostCodes = make([]float32, r*c.Fed*c.Bits)
		list = append(list, struct {
			t     **gpu.Tensor
			typ   tensor.DType
			shape []int
		}{&t.codes, tensor.F32, []int{r, c.Fed * c.Bits}})
	}
	for _, x := range list {
		y, err := dev.NewTensor(x.typ, x.shape...)
		if err != nil {
			return err
		}
		*x.t = y
	}
	return nil
}

func (t *Train) targetType() tensor.DType {
	if t.cfg.Bits > 0 {
		return tensor.U32
	}
	return tensor.I32
}

// record builds the forward program, with the backward pass behind it if asked.
func (t *Train) record(dev *gpu.Device, backward bool) (*gpu.Program, error) {
	r := dev.NewRecorder()
	g := nn.Training{
		Tape: tape.New(r, backward), Store: t.store, B: t.b, N: t.n, Axes: t.axes, Key: t.key, IDs: t.ids, Starts: t.starts, Rows: t.rows,
		Fed: t.codes, Recompute: t.options.Recompute, Tables: t.rope,
	}
	h := t.sys.Trunk.Forward(g, t.sys.Input.Record(g, 0))
	targets := t.targets
	if t.cfg.Bits > 0 {
		targets = targets.View(0, t.b*t.n, t.cfg.Words())
	}
	t.head.Loss(g, t.head.Logits(g, h), targets, t.weight, t.loss)
	g.Backward()
	return r.Finish()
}

// Free gives all memory back.
func (t *Train) Free() {
	for _, p := range []*gpu.Program{t.forward, t.both} {
		if p != nil {
			p.Free()
		}
	}
	for _, x := range []*gpu.Tensor{t.ids, t.starts, t.rows, t.axes, t.key, t.targets, t.weight, t.loss, t.codes} {
		x.Free()
	}
	if t.store != nil {
		t.store.Free()
	}
	t.rope.Free()
}

// Store returns the parameters.
func (t *Train) Store() *params.Store { return t.store }

// Batch returns the number of sequences and positions of a step.
func (t *Train) Batch() (b, n int) { return t.b, t.n }

// Window fills a row of a batch: a sequence's pinned positions, and a stretch of the
// others. Together they are at most n.
type Window struct {
	Seq      *Sequence
	From, To int // positions [From, To), From at least Seq.Pinned
}

// SetBatch uploads windows, one a sequence; unused rows are masked out. It
// returns how many tokens are predicted.
func (t *Train) SetBatch(ws []Window) (int, error) {
	if len(ws) > t.b {
		return 0, fmt.Errorf("transformer.SetBatch: %w: %d windows for %d rows", ErrConfig, len(ws), t.b)
	}
	t.clear()
	count := 0
	for i, w := range ws {
		n, err := t.setWindow(i, w)
		if err != nil {
			return 0, err
		}
		count += n
	}
	for i, x := range t.hostWeight {
		t.hostWeight[i] = x / float32(max(count, 1))
	}
	return count, t.upload()
}

func (t *Train) clear() {
	for i := range t.hostIDs {
		t.hostIDs[i] = -1
	}
	// No position that counts sees padding, whose key is past all others.
	for i := range t.hostKey {
		t.hostKey[i] = math.MaxInt32
	}
	clear(t.hostAxes)
	clear(t.hostCodes)
	clear(t.hostWeight)
	for i := range t.hostTargets {
		t.hostTargets[i] = 0
		if t.cfg.Bits == 0 {
			t.hostTargets[i] = -1
		}
	}
}

func (t *Train) setWindow(b int, w Window) (int, error) {
	c := &t.cfg
	dims := t.sys.Dims(1)
	ids, words := dims.IDColumns(), c.Words()
	pinned := w.Seq.Pinned
	if pinned+w.To-w.From > t.n || w.From < pinned || w.To > w.Seq.N {
		return 0, fmt.Errorf("transformer.SetBatch: %w: window [%d, %d) of %d positions, %d pinned, room for %d", ErrConfig, w.From, w.To, w.Seq.N, pinned, t.n)
	}
	count := 0
	for i := range pinned + w.To - w.From {
		row, p := b*t.n+i, i
		if i >= pinned {
			p = w.From + i - pinned
		}
		copy(t.hostIDs[row*ids:], w.Seq.Fixed[p*c.Static:(p+1)*c.Static])
		for f := range c.Fed {
			t.feed(row, f, int(w.Seq.Fed[p*c.Fed+f]), w.Seq)
		}
		copy(t.hostAxes[row*dims.Axes:(row+1)*dims.Axes], w.Seq.Axes[p*dims.Axes:])
		t.hostKey[row] = w.Seq.Sees[p]
		if p < w.Seq.Draw {
			continue
		}
		for s := range words {
			t.hostTargets[row*words+s] = int32(w.Seq.Tokens[p*words+s])
		}
		count += t.weigh(row, w.Seq.Ignored(p, words))
	}
	return count, nil
}

// weigh marks a row's sub-tokens as predicted, but the ignored last ones, and
// returns how many are.
func (t *Train) weigh(row, ignored int) int {
	if t.cfg.Bits > 0 {
		t.hostWeight[row] = 1
		return 1
	}
	s := t.cfg.Sub
	for i := range s {
		if i >= s-ignored {
			t.hostTargets[row*s+i] = -1
			continue
		}
		t.hostWeight[row*s+i] = 1
	}
	return s - ignored
}

func (t *Train) feed(row, f, from int, seq *Sequence) {
	c := &t.cfg
	dims, words := t.sys.Dims(1), c.Words()
	if c.Bits == 0 {
		for s := range words {
			token := int64(-1)
			if from >= 0 {
				token = int64(seq.Tokens[from*words+s])
			}
			t.hostIDs[row*dims.IDColumns()+c.Static+f*words+s] = dims.FedID(f, s, token)
		}
		return
	}
	if from < 0 {
		return
	}
	unit := float32(1 / math.Sqrt(float64(c.Bits)))
	dst := t.hostCodes[(row*c.Fed+f)*c.Bits:][:c.Bits]
	for i := range dst {
		dst[i] = -unit
		if seq.Tokens[from*words+i/32]>>(i%32)&1 == 1 {
			dst[i] = unit
		}
	}
}

func (t *Train) upload() error {
	dims := t.sys.Dims(1)
	rows, cols := t.b*t.n, max(dims.IDColumns(), 1)
	starts, list := make([]int32, dims.TableRows()+1), make([]int32, rows*cols)
	embed.Index(t.hostIDs, cols, dims.TableRows(), starts, list)
	writes := []func() error{
		func() error { return t.ids.WriteI32(t.hostIDs) },
		func() error { return t.starts.WriteI32(starts) },
		func() error { return t.rows.WriteI32(list) },
		func() error { return t.axes.WriteI32(t.hostAxes) },
		func() error { return t.key.WriteI32(t.hostKey) },
		func() error { return t.targets.WriteI32(t.hostTargets) },
		func() error { return t.weight.WriteF32(t.scaledWeight()) },
	}
	if t.codes != nil {
		writes = append(writes, func() error { return t.codes.WriteF32(t.hostCodes) })
	}
	for _, w := range writes {
		if err := w(); err != nil {
			return err
		}
	}
	return nil
}

// scaledWeight is what the loss's gradient is weighed by.
func (t *Train) scaledWeight() []float32 {
	out := slices.Clone(t.hostWeight)
	for i := range out {
		out[i] *= t.store.Scale
	}
	return out
}

// Forward runs the forward pass alone and returns the batch's loss. It is in nats a
// predicted token, or a whole code for bits, summed in row order.
func (t *Train) Forward() (float64, error) { return t.run(t.forward) }

// Backward runs both passes, adds to the gradients, times the store's Scale when
// the batch was set, and returns the loss.
func (t *Train) Backward() (float64, error) { return t.run(t.both) }

func (t *Train) run(p *gpu.Program) (float64, error) {
	if err := p.Run(1); err != nil {
		return 0, err
	}
	l, err := t.loss.F32()
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, x := range l {
		sum += float64(x) * float64(t.hostWeight[i])
	}
	return sum, nil
}
