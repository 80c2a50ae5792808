package transformer

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/grammar"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Decoder is a network in generating form: a key-value cache and stepping tables
// for a number of sequence slots, and one recorded program for every number of
// lanes a step can have. Not safe for concurrent use.
type Decoder struct {
	cfg     Config
	dev     *gpu.Device
	weights *weights
	rope    Rotary
	state   *step.State
	cache   []attention.Cache // [l], with one table
	table   *gpu.Tensor
	slots   int
	steps   map[int]*stepProgram // by lanes
	prompt  *stepProgram
}

// stepProgram advances some lanes by n positions each.
type stepProgram struct {
	lanes, n int
	lane     *gpu.Tensor // i32 [lanes, 4]
	program  *gpu.Program
}

// promptRows is how many positions of a prompt are read at once. Chunks start at
// multiples of it whatever the batch, though no bit depends on that.
const promptRows = 64

// DecoderOptions say how a network generates.
type DecoderOptions struct {
	Slots     int       // sequences at once, at least 1
	Precision Precision // of the matrices; "" means f16
}

// NewDecoder loads weights and allocates everything a number of concurrent
// sequences needs, or says that it does not fit before it allocates. Errors:
// [ErrConfig], params.ErrWeights, gpu.ErrOutOfMemory.
func NewDecoder(dev *gpu.Device, cfg Config, f *safetensors.File, o DecoderOptions) (*Decoder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := o.Precision.check(&cfg); err != nil {
		return nil, err
	}
	if err := dev.CheckMemory(cfg.DecoderBytes(o)); err != nil {
		return nil, fmt.Errorf("transformer.NewDecoder: %d slots in %v: %w", o.Slots, o.Precision.dtype(), err)
	}
	d := &Decoder{cfg: cfg, dev: dev, slots: o.Slots, steps: map[int]*stepProgram{}}
	if err := d.allocate(f, o.Precision); err != nil {
		d.Free()
		return nil, err
	}
	return d, nil
}

func (d *Decoder) allocate(f *safetensors.File, p Precision) (err error) {
	if d.weights, err = loadWeights(d.dev, &d.cfg, f, p); err != nil {
		return err
	}
	if d.rope, err = NewRotary(d.dev, d.cfg.HeadDim(), d.cfg.RopePairs, d.cfg.RopeTheta); err != nil {
		return err
	}
	if d.state, err = step.NewState(d.dev, d.cfg.Dims(d.slots)); err != nil {
		return err
	}
	return d.allocateCache()
}

// allocateCache makes the layers' caches. Every slot has pages of its own, one
// after the other.
func (d *Decoder) allocateCache() (err error) {
	pages := make([]int32, d.slots*d.cfg.pages())
	for i := range pages {
		pages[i] = int32(i)
	}
	if d.table, err = d.dev.FromI32(pages, d.slots, d.cfg.pages()); err != nil {
		return err
	}
	d.cache = make([]attention.Cache, d.cfg.Layers)
	for i := range d.cache {
		d.cache[i].Table = d.table
		for _, t := range []**gpu.Tensor{&d.cache[i].K, &d.cache[i].V} {
			if *t, err = d.dev.NewTensor(tensor.F16, len(pages), attention.MinPage, d.cfg.Width); err != nil {
				return err
			}
		}
	}
	return nil
}

// pages is the number of a slot's pages.
func (c *Config) pages() int { return (c.Context + attention.MinPage - 1) / attention.MinPage }

// Free gives all memory back.
func (d *Decoder) Free() {
	for _, p := range d.steps {
		p.free()
	}
	if d.prompt != nil {
		d.prompt.free()
	}
	if d.state != nil {
		d.state.Free()
	}
	if d.weights != nil {
		d.weights.free()
	}
	for _, c := range d.cache {
		c.K.Free()
		c.V.Free()
	}
	d.table.Free()
	d.rope.Free()
}

func (p *stepProgram) free() {
	p.program.Free()
	p.lane.Free()
}

// Config returns the network's description.
func (d *Decoder) Config() Config { return d.cfg }

// Slots returns how many sequences fit.
func (d *Decoder) Slots() int { return d.slots }

// Load writes positions from on of a slot: their plan rows and, as far as given,
// tokens. It returns an error wrapping [ErrConfig] if they do not fit the context.
func (d *Decoder) Load(slot, from int, plan []int32, tokens []uint32) error {
	dims := d.state.Dims
	cols, words := dims.PlanColumns(), dims.Sub
	n, m := len(plan)/cols, len(tokens)/words
	if slot < 0 || slot >= d.slots || from < 0 || from+n > dims.Length || m > n {
		return fmt.Errorf("transformer.Load: %w: slot %d of %d, positions %d to %d of %d", ErrConfig, slot, d.slots, from, from+n, dims.Length)
	}
	if n > 0 {
		if err := d.state.Plan.View((slot*dims.Length+from)*cols, n*cols).WriteI32(plan); err != nil {
			return err
		}
	}
	if m == 0 {
		return nil
	}
	given := make([]int32, m*words)
	for i := range given {
		given[i] = int32(tokens[i])
	}
	return d.state.Tokens.View((slot*dims.Length+from)*words, m*words).WriteI32(given)
}

// Tokens reads the tokens of positions [from, to) of a slot.
func (d *Decoder) Tokens(slot, from, to int) ([]uint32, error) {
	dims := d.state.Dims
	raw := make([]int32, (to-from)*dims.Sub)
	if len(raw) == 0 {
		return nil, nil
	}
	if err := d.state.Tokens.View((slot*dims.Length+from)*dims.Sub, len(raw)).ReadI32(raw); err != nil {
		return nil, err
	}
	out := make([]uint32, len(raw))
	for i, x := range raw {
		out[i] = uint32(x)
	}
	return out, nil
}

// SetSampling sets how a slot's tokens are drawn.
func (d *Decoder) SetSampling(slot int, s step.Sampling) error { return d.state.SetSlot(slot, s) }

// Lane is one sequence's place in a step.
type Lane struct {
	Slot   int
	Cursor int // next position
	Limit  int // positions from here on wait
	Draw   int // first position drawn rather than given
}

// Prompt reads positions [0, to) of a slot into the cache; all their tokens are
// given. Beyond the context it goes group by group: rows read together would
// overwrite what the first of them still has to see.
func (d *Decoder) Prompt(slot, to int) error {
	if err := d.buildPrompt(); err != nil {
		return err
	}
	whole := min(to, d.cfg.Context)
	if err := d.prompt.lane.WriteI32([]int32{int32(slot), 0, int32(whole), int32(whole)}); err != nil {
		return err
	}
	if err := d.prompt.program.Run((whole + d.prompt.n - 1) / d.prompt.n); err != nil {
		return err
	}
	lane := []Lane{{Slot: slot, Cursor: whole, Limit: to, Draw: to}}
	for lane[0].Cursor < to {
		if err := d.Step(lane, min((to-lane[0].Cursor+d.cfg.Group-1)/d.cfg.Group, maxSteps)); err != nil {
			return err
		}
	}
	return nil
}

// maxSteps caps the steps of one submit, so that desktop watchdogs do not fire.
const maxSteps = 64

func (d *Decoder) buildPrompt() (err error) {
	if d.prompt == nil {
		n := (promptRows + d.cfg.Group - 1) / d.cfg.Group * d.cfg.Group
		d.prompt, err = d.build(1, n, false)
	}
	return err
}

// Step advances every lane by up to times·group positions, in one submit, and
// updates the lanes' cursors; a lane whose limit shrank drew its end token.
func (d *Decoder) Step(lanes []Lane, times int) error {
	p, err := d.stepFor(len(lanes))
	if err != nil {
		return err
	}
	raw := make([]int32, p.lanes*step.LaneWords)
	for i, l := range lanes {
		copy(raw[i*step.LaneWords:], []int32{int32(l.Slot), int32(l.Cursor), int32(l.Limit), int32(l.Draw)})
	}
	if err := p.lane.WriteI32(raw); err != nil {
		return err
	}
	if err := p.program.Run(times); err != nil {
		return err
	}
	if err := p.lane.ReadI32(raw); err != nil {
		return err
	}
	for i := range lanes {
		lanes[i].Cursor, lanes[i].Limit = int(raw[i*step.LaneWords+1]), int(raw[i*step.LaneWords+2])
	}
	return nil
}

// stepFor returns the program for at least n lanes; their number is rounded up
// to a power of two, so that few programs exist.
func (d *Decoder) stepFor(n int) (*stepProgram, error) {
	lanes := 1
	for lanes < n {
		lanes *= 2
	}
	if p, ok := d.steps[lanes]; ok {
		return p, nil
	}
	p, err := d.build(lanes, d.cfg.Group, true)
	if err == nil {
		d.steps[lanes] = p
	}
	return p, err
}

// build records a step of n rows a lane.
func (d *Decoder) build(lanes, n int, draw bool) (*stepProgram, error) {
	lane, err := d.dev.NewTensor(tensor.I32, lanes, step.LaneWords)
	if err != nil {
		return nil, err
	}
	r := d.dev.NewRecorder()
	rows := step.Gather(r, d.state, lane, n)
	x, codes := d.embed(r, rows, lanes*n)
	for i := range d.cfg.Layers {
		d.layer(r, i, n, rows, x)
	}
	var drawn *gpu.Tensor
	if draw {
		drawn = d.draw(r, rows, x, codes)
	}
	step.Commit(r, d.state, lane, n, rows, drawn)
	p, err := r.Finish()
	if err != nil {
		lane.Free()
		return nil, err
	}
	return &stepProgram{lanes: lanes, n: n, lane: lane, program: p}, nil
}

// embed returns the rows' inputs and, for binary codes, the codes they are fed.
func (d *Decoder) embed(r *gpu.Recorder, rows step.Rows, n int) (x, codes *gpu.Tensor) {
	c := &d.cfg
	x = r.Temp(tensor.F32, n, c.Width)
	embed.Sum(r, embed.SumArgs{Table: d.weights.vectors["embed.weight"], IDs: rows.IDs, Out: x})
	if c.Bits > 0 && c.Fed > 0 {
		each := r.Temp(tensor.F32, n*c.Fed, c.Bits)
		bsq.Expand(r, bsq.ExpandArgs{Bits: rows.Words, Valid: rows.Valid, Code: each})
		codes = each.View(0, n, c.Fed*c.Bits)
		d.weights.product(r, "code.weight", matmul.Args{A: codes, C: x, Add: true})
	}
	return x, codes
}

// layer adds block i in place on x, in six dispatches: the products do the norms
// before them and the gate behind, and Prepare writes the rows' keys and values
// into the cache before any row attends. run rows on end belong to one sequence.
func (d *Decoder) layer(r *gpu.Recorder, i, run int, rows step.Rows, x *gpu.Tensor) {
	c, n := &d.cfg, x.Dim(0)
	product := func(name string, a matmul.Args) { d.weights.product(r, fmt.Sprintf("layers.%d.%s.weight", i, name), a) }
	qkv, a, s := r.Temp(tensor.F32, n, 3*c.Width), r.Temp(tensor.F32, n, c.Width), r.Temp(tensor.F32, n, c.Hidden)
	product("attention.qkv", matmul.Args{A: x, C: qkv, NormEps: normEps})
	attention.Prepare(r, attention.PrepareArgs{
		QKV: qkv, Heads: c.Heads, HeadDim: c.HeadDim(), Cache: d.cache[i], Seq: rows.Seq, Slot: rows.Slot,
		Pos: rows.Axes, Freq: d.rope.Freq, Axis: d.rope.Axis,
	})
	attention.Cached(r, attention.CachedArgs{
		Q: qkv, LDQ: 3 * c.Width, Cache: d.cache[i], Out: a, Heads: c.Heads, HeadDim: c.HeadDim(), Seq: rows.Seq, Len: rows.Len, Run: run,
	})
	product("attention.out", matmul.Args{A: a, C: x, Add: true})
	product("mlp.gate_up", matmul.Args{A: x, C: s, Gated: true, NormEps: normEps})
	product("mlp.down", matmul.Args{A: s, C: x, Add: true})
}

func (d *Decoder) draw(r *gpu.Recorder, rows step.Rows, x, codes *gpu.Tensor) *gpu.Tensor {
	c, n := &d.cfg, x.Dim(0)
	logits := r.Temp(tensor.F32, n, c.Outputs())
	d.weights.product(r, "head.weight", matmul.Args{A: x, C: logits, Bias: d.weights.vectors["head.bias"], NormEps: normEps})
	if codes != nil {
		d.weights.product(r, "skip.weight", matmul.Args{A: codes, C: logits, Add: true, Alpha: c.skipScale()})
	}
	drawn := r.Temp(tensor.U32, n, c.Words())
	r.Fill(drawn, 0) // inactive rows draw nothing
	if c.Bits > 0 {
		sample.Bits(r, sample.BitsArgs{Logits: logits, Draw: rows.Draw, Temp: rows.Temp, Out: drawn})
	} else {
		sample.Softmax(r, sample.SoftmaxArgs{
			Logits: logits.View(0, n*c.Sub, c.Vocab), Draw: rows.Draw, Temp: rows.Temp, Mask: d.mask(r, rows), Out: drawn, S: c.Sub,
		})
	}
	return drawn
}

// mask returns the tokens that the rules of the language leave, nil without rules.
func (d *Decoder) mask(r *gpu.Recorder, rows step.Rows) *gpu.Tensor {
	f := d.cfg.Faces
	if f.Levels == 0 {
		return nil
	}
	return grammar.Faces(r, grammar.FacesArgs{Tokens: d.state.Tokens, Seq: rows.Seq, Draw: rows.Draw, Levels: f.Levels, Start: f.Start})
}
