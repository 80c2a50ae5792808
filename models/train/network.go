package train

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

// Network is a system's network in training form: b sequences of n rows a step.
type Network struct {
	sys     *system.System
	b, n    int
	options NetworkOptions
	head    system.Learner
	store   *params.Store
	tables  *nn.Tables
	before  []*rowInputs // of the passes before the last
	in      inputs

	forward, both *gpu.Program
}

// NetworkOptions say how a network is trained. The zero value is useful.
type NetworkOptions struct {
	// Precision is F32, BF16 or F16, "" meaning F32. With 16 bits, products read
	// matrices (Decay in params.Spec; the master is f32) and activations rounded to
	// them. The backward pass keeps activations so. Gradients are rounded where
	// products read them. Sums, norms, softmax, loss, the residual stream and the
	// gradients of parameters are f32. See docs/design.md.
	Precision nn.Precision
	// Recompute keeps only the input of each block for the backward pass, and computes
	// the rest again. That is a third more work for a fraction of the memory. It
	// changes no bit.
	Recompute bool
	// Other holds the tensors of another network that the system computes with, such as its
	// tokenizer's, by the names that the system declares; nil for systems without.
	Other nn.Weights
	// Noise is the largest chance that a bit of a code that rows are fed is turned over in
	// training. Each window draws its own chance below. So a network learns to go on
	// from what it drew itself, which has mistakes.
	Noise float64
	// Marked is told of the marked values of the forward pass as it is recorded, see
	// nn.Graph; nil: nobody.
	Marked func(r *gpu.Recorder, name string, x *gpu.Tensor)
}

// NewNetwork builds the programs for b sequences of n rows. Errors: nn.ErrConfig, also for
// a system that cannot be trained, and gpu's.
func NewNetwork(dev *gpu.Device, sys *system.System, b, n int, o NetworkOptions) (*Network, error) {
	if b < 1 || n < 1 || sys.Passes == nil && n > sys.Layout.Context {
		return nil, fmt.Errorf("train.NewNetwork: %w: %d sequences of %d rows, context %d", nn.ErrConfig, b, n, sys.Layout.Context)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	learner, ok := sys.Head.(system.Learner)
	if !ok {
		return nil, fmt.Errorf("train.NewNetwork: %w: %s cannot be trained: the loss of its head is not known", nn.ErrConfig, sys.Name)
	}
	if err := o.Precision.Check(sys.Params); err != nil {
		return nil, err
	}
	if sys.Passes != nil && n != sys.Window() {
		return nil, fmt.Errorf("train.NewNetwork: %w: sequences of %d rows, %s trains whole ones of %d", nn.ErrConfig, n, sys.Name, sys.Window())
	}
	t := &Network{sys: sys, head: learner, b: b, n: n, options: o}
	if err := t.build(dev); err != nil {
		t.Free()
		return nil, err
	}
	return t, nil
}

func (o *NetworkOptions) check() error {
	if o.Precision == "" {
		o.Precision = nn.F32
	}
	if !(o.Noise >= 0 && o.Noise <= 0.5) {
		return fmt.Errorf("train.NewNetwork: %w: noise %g, 0 to 0.5 is possible", nn.ErrConfig, o.Noise)
	}
	if !slices.Contains(nn.TrainPrecisions, o.Precision) {
		return fmt.Errorf("train.NewNetwork: %w: precision %q, want one of %v", nn.ErrConfig, o.Precision, nn.TrainPrecisions)
	}
	return nil
}

func (t *Network) build(dev *gpu.Device) (err error) {
	if t.store, err = params.New(dev, t.sys.Params.Specs(), true); err != nil {
		return err
	}
	if t.options.Precision != nn.F32 {
		if err = t.store.KeepHalves(t.options.Precision.DType()); err != nil {
			return err
		}
	}
	if t.tables, err = nn.NewTables(dev, t.sys.Params, t.options.Other); err != nil {
		return err
	}
	for _, p := range t.passes() {
		in := &rowInputs{kept: t.in.kept, pass: p}
		if err = allocate(dev, in.list(t.sys, t.b, p.Rows)); err != nil {
			return err
		}
		t.before, t.in.kept = append(t.before, in), t.in.kept+in.r*max(p.Keeps, 1)
	}
	if last := len(t.sys.Passes) - 1; last >= 0 {
		t.in.pass = t.sys.Passes[last]
	}
	if err = t.in.make(dev, t.sys, t.b, t.n); err != nil {
		return err
	}
	if t.forward, err = t.record(dev, false); err != nil {
		return err
	}
	t.both, err = t.record(dev, true)
	return err
}

// passes are those before the last.
func (t *Network) passes() []system.Pass { return t.sys.Passes[:max(len(t.sys.Passes)-1, 0)] }

// record builds the forward program, with the backward pass behind it if asked.
func (t *Network) record(dev *gpu.Device, backward bool) (*gpu.Program, error) {
	r := dev.NewRecorder()
	g := nn.Training{
		Tape: tape.New(r, backward), Store: t.store, B: t.b, Targets: t.in.means, Lessons: t.in.lessons, Chained: t.in.chained, Canvas: t.in.canvas, States: &nn.States{Width: t.sys.Layout.State},
		Recompute: t.options.Recompute, Tables: t.tables,
	}
	if t.options.Marked != nil && !backward {
		g.Marked = func(name string, x *gpu.Tensor) { t.options.Marked(r, name, x) }
	}
	for i, p := range t.passes() {
		t.pass(&g, t.before[i], p.Stage)
	}
	stage := system.AllStages
	if last := len(t.sys.Passes) - 1; last >= 0 {
		stage = t.sys.Passes[last].Stage
	}
	h := t.pass(&g, &t.in.rowInputs, stage)
	t.head.Loss(g, h, t.in.targets, t.in.weight, t.in.loss)
	g.Backward()
	return r.Finish()
}

// pass records a pass.
func (t *Network) pass(g *nn.Training, in *rowInputs, stage int) *nn.Value {
	in.expand(g.Recorder())
	g.N, g.InStage = in.r/t.b, stage
	g.Axes, g.Key, g.IDs, g.Starts, g.Rows = in.axes, in.key, in.ids, in.starts, in.rows
	g.InputCodes, g.Vectors, g.Real, g.Recalled, g.Places = in.codes, in.features, in.real, in.recalled, in.places
	if in.places.Starts != nil {
		g.Places.IDs = in.axes.View(0, in.r)
	}
	return t.sys.Trunk.Forward(*g, t.sys.Input.Record(*g, stage))
}

// Free gives all memory back.
func (t *Network) Free() {
	for _, p := range []*gpu.Program{t.forward, t.both} {
		if p != nil {
			p.Free()
		}
	}
	t.in.free()
	for _, in := range t.before {
		in.free()
	}
	if t.store != nil {
		t.store.Free()
	}
	t.tables.Free()
}

// Store returns the parameters.
func (t *Network) Store() *params.Store { return t.store }

// System returns what is trained.
func (t *Network) System() *system.System { return t.sys }

// Batch returns the number of sequences and rows of a step.
func (t *Network) Batch() (b, n int) { return t.b, t.n }

// Forward runs the forward pass alone and returns the batch's loss. It is in nats a
// predicted token, or a whole code for bits, summed in row order.
func (t *Network) Forward() (float64, error) { return t.run(t.forward) }

// TokenLosses returns the losses of the last pass in nats, without the weights: of each row,
// or of each draw where the head has several directions, [b·n, sub-tokens]. Rows that
// predict nothing have 0.
func (t *Network) TokenLosses() ([]float32, error) { return t.in.loss.F32() }

// Backward runs both passes, adds to the gradients, times the store's Scale when
// the batch was set, and returns the loss.
func (t *Network) Backward() (float64, error) { return t.run(t.both) }

func (t *Network) run(p *gpu.Program) (float64, error) {
	if err := p.Run(1); err != nil {
		return 0, err
	}
	l, err := t.in.loss.F32()
	if err != nil {
		return 0, err
	}
	return t.in.sum(l), nil
}
