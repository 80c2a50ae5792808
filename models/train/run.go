package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/adamw"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/params"
)

// Task is what is being trained.
type Task interface {
	// Store holds the parameters, gradients and moments.
	Store() *params.Store
	// Batch uploads batch number step. It returns the program that adds its gradients, times
	// the store's Scale, and the number of predicted tokens. The batch depends on the step
	// alone.
	Batch(step int) (p *gpu.Program, tokens int, err error)
	// Losses is what the program writes, f32 [n+1]. The last element is the run's, for the
	// norm of the gradients.
	Losses() *gpu.Tensor
	// Loss returns the batch's loss from the first n of them.
	Loss(losses []float32) float64
	// Heldout returns the loss on data the training never sees.
	Heldout() (float64, error)
}

const adamEps = 1e-8

// Run trains a task from where its checkpoint in opts.Dir ends, if there is one, to
// opts.Steps, and returns the curve. A run that was cut off and resumed gives the same
// curve and weights, bit for bit. On a cancelled context it saves a checkpoint and
// returns the context's error.
func Run(ctx context.Context, dev *gpu.Device, task Task, opts Options) (*Curve, error) {
	if err := opts.defaults(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opts.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("train.Run: %w", err)
	}
	opts.Subgroup = dev.SubgroupWidth()
	r := newRun(task, opts)
	if err := r.prepare(dev); err != nil {
		return nil, err
	}
	defer r.free()
	first, err := r.resume()
	if err != nil {
		return nil, err
	}
	for step := first; step < opts.Steps; step++ {
		if ctx.Err() != nil {
			return r.curve, r.stop(ctx, step)
		}
		if err := r.step(step); err != nil {
			return r.curve, err
		}
	}
	return r.curve, r.curve.WriteHTML(filepath.Join(opts.Dir, "loss.html"))
}

func newRun(task Task, opts Options) *run {
	opts.Precision = task.Store().Precision()
	r := &run{opts: opts, task: task, curve: &Curve{}, scaler: scaler{Scale: 1}}
	if r.scales() {
		r.scaler.Scale = firstScale
		if opts.LossScale > 0 {
			r.scaler.Scale = opts.LossScale
		}
	}
	return r
}

// scales reports whether the loss has a scale: bf16 has the exponents of f32.
func (r *run) scales() bool { return r.opts.Precision == tensor.F16.String() }

type run struct {
	opts        Options
	task        Task
	curve       *Curve
	scaler      scaler
	dev         *gpu.Device
	norm, hyper *gpu.Tensor // norm is the last of the task's losses
	update      *gpu.Program
	losses      []float32
	tokens      int
	since       time.Time
	sum         float64 // of the losses since the last point
	count       int
}

func (r *run) prepare(dev *gpu.Device) (err error) {
	out := r.task.Losses()
	n := out.Elems() - 1
	r.dev, r.losses, r.norm = dev, make([]float32, n+1), out.View(n, 1)
	if r.hyper, err = dev.NewTensor(tensor.F32, adamw.HyperLen); err != nil {
		return err
	}
	s := r.task.Store()
	rec := dev.NewRecorder()
	adamw.Norm(rec, adamw.NormArgs{G: s.G, Out: r.norm})
	var parts [4][2]*gpu.Tensor
	for i, t := range []*gpu.Tensor{s.P, s.G, s.M, s.V} {
		parts[i][0], parts[i][1] = s.Ranges(t)
	}
	copies := []*gpu.Tensor{s.H, nil}
	for i, decay := range []bool{true, false} {
		adamw.Step(rec, adamw.StepArgs{
			P: parts[0][i], G: parts[1][i], M: parts[2][i], V: parts[3][i], Copy: copies[i], Norm: r.norm, Hyper: r.hyper, Decay: decay, ZeroGrad: true,
		})
	}
	r.update, err = rec.Finish()
	r.since = time.Now()
	return err
}

func (r *run) free() {
	r.update.Free()
	r.hyper.Free()
}

func (r *run) step(step int) error {
	loss, tokens, err := r.train(step)
	if err != nil {
		return err
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("train.Run: loss is %v at step %d; lower the rate", loss, step)
	}
	o := &r.opts
	r.sum, r.count, r.tokens = r.sum+loss, r.count+1, r.tokens+tokens
	if (step+1)%o.EvalEvery == 0 || step+1 == o.Steps {
		if err := r.point(step + 1); err != nil {
			return err
		}
	}
	if (step+1)%o.SaveEvery == 0 || step+1 == o.Steps {
		return r.save(step + 1)
	}
	return nil
}

// train takes a step of the network and of the optimizer in one submit, and reads loss and
// norm at once. The device skips the optimizer's if the gradients are not finite.
func (r *run) train(step int) (loss float64, tokens int, err error) {
	r.task.Store().Scale = float32(r.scaler.Scale)
	p, tokens, err := r.task.Batch(step)
	if err != nil {
		return 0, 0, err
	}
	o := &r.opts
	h := adamw.Hyper(o.rate(step), 0.9, o.Beta2, adamEps, o.WeightDecay, o.Clip, r.scaler.Scale, r.scaler.Applied+1)
	if err := r.hyper.WriteF32(h); err != nil {
		return 0, 0, err
	}
	if err := r.dev.Run(gpu.Repeat{Program: p, N: 1}, gpu.Repeat{Program: r.update, N: 1}); err != nil {
		return 0, 0, err
	}
	if err := r.task.Losses().ReadF32(r.losses); err != nil {
		return 0, 0, err
	}
	n := len(r.losses) - 1
	r.scaler.after(r.losses[n], r.scales())
	return r.task.Loss(r.losses[:n]), tokens, nil
}

// point adds a point to the curve: the mean loss since the last one, and the
// held-out loss.
func (r *run) point(step int) error {
	seconds := time.Since(r.since).Seconds()
	held, err := r.task.Heldout()
	if err != nil {
		return err
	}
	p := Point{Step: step, Loss: r.sum / float64(r.count), Heldout: held, Rate: r.opts.rate(step - 1)}
	r.curve.Points = append(r.curve.Points, p)
	if r.opts.Progress != nil {
		fmt.Fprintf(r.opts.Progress, "step %d/%d  loss %.4f  held-out %.4f  rate %.2e  %.0f tokens/s%s\n",
			step, r.opts.Steps, p.Loss, p.Heldout, p.Rate, float64(r.tokens)/seconds, r.scaling())
	}
	metrics := Metrics{Point: p, TokensPerSecond: float64(r.tokens) / seconds, LossScale: r.scaler.Scale, Skipped: r.scaler.Skipped}
	r.sum, r.count, r.tokens, r.since = 0, 0, 0, time.Now()
	return errors.Join(r.curve.WriteHTML(filepath.Join(r.opts.Dir, "loss.html")), metrics.append(filepath.Join(r.opts.Dir, "metrics.jsonl")))
}

// scaling tells of the loss scale and of skipped steps, where there are any.
func (r *run) scaling() (s string) {
	if r.scales() {
		s = fmt.Sprintf("  loss scale %g", r.scaler.Scale)
	}
	if n := r.scaler.Skipped; n > 0 {
		s += fmt.Sprintf("  %d steps skipped", n)
	}
	return s
}

// stop saves what a cancelled run has.
func (r *run) stop(ctx context.Context, step int) error {
	if err := r.save(step); err != nil {
		return err
	}
	return ctx.Err()
}
