package engine

import (
	"errors"
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Decoder runs a system's steps. It has the parameters, the tables and cache for a
// number of slots, and a recorded program for each kind of step. It knows nothing of
// requests. Not safe for concurrent use.
type Decoder struct {
	sys            *system.System
	dev            *gpu.Device
	loaded         *nn.Loaded
	state          *step.State
	caches         []attention.Cache    // with one table
	patterns       []*attention.Pattern // of a layout that is sparse, by attention
	pages          []*pages             // by group of the cache
	arena          *gpu.Arena           // of all programs' temporaries
	vectors        *gpu.Tensor          // f32 [slots·rows, features], nil without
	states         *gpu.Tensor          // f32 [slots·places, width], nil without
	refined        *refinement          // nil if the head does not refine
	recorded       *refine.Recorded     // nil without
	constraintData *gpu.Tensor          // u32 [slots, words], nil without
	relaxed        *relaxation          // of checks, nil without
	gaps           *gpu.Tensor          // f32 [slots, positions]: how sure the network was
	programs       map[programKey]*program
	trace          bool
}

// DecoderOptions say how a system generates.
type DecoderOptions struct {
	Slots     int          // sequences at once, at least 1
	Precision nn.Precision // of the matrices; "" means f16
	// Rows is the most rows that prompts bring to a step; 0 means one piece of a
	// prompt. Memory is planned by it.
	Rows int
	// Pages is the number of pages, of attention.MinPage slots, that all sequences
	// share; 0 means enough for each to fill its context. Further groups of the cache have as
	// large a share of what would be enough.
	Pages int
	// Shares is the decoder that this one drafts for. This one reads and writes its
	// tokens. Nil means tokens of its own.
	Shares *Decoder
	// Cache is the type of keys and values: f16, also if it is "", or f32. In f16 they
	// are rounded, whatever the precision.
	Cache nn.Precision
	// Recorded is the number of entries of recorded noise that a position has, one for the
	// start and one a pass; 0 means random numbers. It is for tests, see SetNoise.
	Recorded int
	// Trace keeps the marked values of the last step of every program, for tests.
	Trace bool
}

// NewDecoder loads weights and allocates everything that the sequences need. It checks
// that all of it fits before it allocates. Errors: nn.ErrConfig, nn.ErrWeights,
// gpu.ErrOutOfMemory.
func NewDecoder(dev *gpu.Device, sys *system.System, w nn.Weights, o DecoderOptions) (*Decoder, error) {
	if err := o.Precision.Check(sys.Params); err != nil {
		return nil, err
	}
	if o.Cache != "" && o.Cache != nn.F16 && o.Cache != nn.F32 {
		return nil, fmt.Errorf("engine.NewDecoder: %w: a cache in %s, want %s or %s", nn.ErrConfig, o.Cache, nn.F16, nn.F32)
	}
	o.complete(sys)
	if err := dev.CheckMemory(Bytes(sys, o)); err != nil {
		return nil, fmt.Errorf("engine.NewDecoder: %d slots in %v: %w", o.Slots, o.Precision.DType(), err)
	}
	d := &Decoder{sys: sys, dev: dev, programs: map[programKey]*program{}, trace: o.Trace}
	if err := d.allocate(w, o); err != nil {
		d.Free()
		return nil, err
	}
	return d, nil
}

func (o *DecoderOptions) complete(sys *system.System) {
	if o.Pages == 0 {
		o.Pages = o.Slots * pagesOf(sys.Layout.Context)
	}
	o.Rows = max(o.Rows, promptRows)
}

// pages is the number of pages of a group of the cache, of complete options.
func (o *DecoderOptions) pages(l *system.Layout, group int) int {
	if group == 0 {
		return o.Pages
	}
	each := pagesOf(l.Slots(group))
	return max((o.Pages*each+pagesOf(l.Context)-1)/pagesOf(l.Context), each)
}

func pagesOf(slots int) int { return (slots + attention.MinPage - 1) / attention.MinPage }

func (d *Decoder) allocate(w nn.Weights, o DecoderOptions) (err error) {
	if d.loaded, err = nn.Load(d.dev, d.sys.Params, w, o.Precision); err != nil {
		return err
	}
	if o.Shares != nil {
		d.state, err = o.Shares.state.Share(d.dev, d.sys.Dims(o.Slots))
	} else {
		d.state, err = step.NewState(d.dev, d.sys.Dims(o.Slots))
	}
	if err != nil {
		return err
	}
	if d.arena, err = d.dev.NewArena(arenaBytes(d.sys, o)); err != nil {
		return err
	}
	if n := d.sys.Layout.Features; n > 0 {
		if d.vectors, err = d.dev.NewTensor(tensor.F32, o.Slots*featureRows(&d.sys.Layout), n); err != nil {
			return err
		}
	}
	if n := d.sys.Layout.Places; n > 0 {
		if d.states, err = d.dev.NewTensor(tensor.F32, o.Slots*n, d.sys.Layout.State); err != nil {
			return err
		}
	}
	if d.gaps, err = d.dev.NewTensor(tensor.F32, o.Slots, d.state.Length); err != nil {
		return err
	}
	if n := constraintWords(d.sys); n > 0 {
		if d.constraintData, err = d.dev.NewTensor(tensor.U32, o.Slots, n); err != nil {
			return err
		}
	}
	if o.Recorded > 0 && d.sys.Token.Width > 0 {
		if d.recorded, err = d.dev.NewTensor(tensor.F32, o.Slots, d.sys.Layout.Length, o.Recorded, d.sys.Token.Width); err != nil {
			return err
		}
	}
	if d.refined, err = newRefinement(d, o); err != nil {
		return err
	}
	return d.allocateCache(o)
}

func (d *Decoder) allocateCache(o DecoderOptions) (err error) {
	for group := range d.sys.Layout.Groups() {
		p, err := newPages(d.dev, o.pages(&d.sys.Layout, group), o.Slots, pagesOf(d.sys.Layout.Slots(group)))
		if err != nil {
			return err
		}
		d.pages = append(d.pages, p)
	}
	for _, a := range d.sys.Params.Attentions {
		c := attention.Cache{Table: d.pages[a.Group].table}
		for _, t := range []**gpu.Tensor{&c.K, &c.V} {
			if *t, err = d.dev.NewTensor(o.Cache.DType(), o.pages(&d.sys.Layout, a.Group), attention.MinPage, a.KeyHeads()*a.HeadDim); err != nil {
				break
			}
		}
		d.caches = append(d.caches, c) // so that Free finds what there is
		if s := d.sys.Layout.Sparse; s != nil && err == nil {
			var p *attention.Pattern
			if p, err = attention.NewPattern(d.dev, o.Slots, a.KeyHeads(), d.sys.Layout.Context, s.Block, s.Selection); err == nil {
				d.patterns = append(d.patterns, p)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// featureRows is the number of rows of a slot that have features.
func featureRows(l *system.Layout) int {
	if l.FeatureRows > 0 {
		return l.FeatureRows
	}
	return l.Length
}

// Free gives all memory back.
func (d *Decoder) Free() {
	for _, p := range d.programs {
		p.free()
	}
	if d.state != nil {
		d.state.Free()
	}
	if d.loaded != nil {
		d.loaded.Free()
	}
	for _, c := range d.caches {
		c.K.Free()
		c.V.Free()
	}
	for _, p := range d.patterns {
		p.Free()
	}
	for _, p := range d.pages {
		p.table.Free()
	}
	d.vectors.Free()
	d.states.Free()
	d.constraintData.Free()
	d.refined.free()
	d.recorded.Free()
	d.relaxed.free()
	d.gaps.Free()
	d.arena.Free()
}

// System returns the system that the decoder runs.
func (d *Decoder) System() *system.System { return d.sys }

// Slots returns the number of sequences that fit.
func (d *Decoder) Slots() int { return d.state.Slots }

// SetSampling sets how a slot's tokens are drawn.
func (d *Decoder) SetSampling(slot int, s step.Sampling) error { return d.state.SetSampling(slot, s) }

// Reserve lends a slot the pages for the given number of cache slots, of every group. It
// reports whether there were enough.
func (d *Decoder) Reserve(slot, slots int) (bool, error) {
	for _, p := range d.pages {
		if ok, err := p.reserve(slot, pagesOf(slots)); !ok || err != nil {
			return ok, err
		}
	}
	return true, nil
}

// Release takes a slot's pages back.
func (d *Decoder) Release(slot int) error {
	var errs []error
	for _, p := range d.pages {
		errs = append(errs, p.release(slot))
	}
	return errors.Join(errs...)
}

// lent is the number of pages that some slot holds.
func (d *Decoder) lent() (n int) {
	for _, p := range d.pages {
		n += p.lent()
	}
	return n
}

// SetConstraintData writes what the constraint reads of a slot's request. Nil is none. A system whose
// rule reads nothing takes any. The error wraps [ErrRequest] if the constraint reads another
// number of words.
func (d *Decoder) SetConstraintData(slot int, words []uint32) error {
	n := constraintWords(d.sys)
	if n == 0 {
		return nil
	}
	if len(words) != n && len(words) > 0 {
		return fmt.Errorf("engine.SetGuide: %w: %d words, the rule reads %d", ErrRequest, len(words), n)
	}
	raw := make([]int32, max(len(words), 1)) // a first word of 0 is no guide
	for i, w := range words {
		raw[i] = int32(w)
	}
	return d.constraintData.View(slot*n, len(raw)).WriteI32(raw)
}

// constraintWords is the number of words of a request that a system's constraint reads.
func constraintWords(s *system.System) int {
	if s.Constraint == nil {
		return 0
	}
	return s.Constraint.DataWords()
}

// SetTokens writes the tokens of positions from on of a slot's canvas.
func (d *Decoder) SetTokens(slot, from int, tokens []uint32) error {
	n := len(tokens) / d.state.Sub
	if err := d.fits("SetTokens", slot, from, n); err != nil || n == 0 {
		return err
	}
	given := make([]int32, len(tokens))
	for i, x := range tokens {
		given[i] = int32(x)
	}
	return d.state.Tokens.View((slot*d.state.Length+from)*d.state.Sub, len(given)).WriteI32(given)
}

// Tokens reads the tokens of positions [from, to) of a slot's canvas.
func (d *Decoder) Tokens(slot, from, to int) ([]uint32, error) {
	if err := d.fits("Tokens", slot, from, to-from); err != nil || to == from {
		return nil, err
	}
	raw := make([]int32, (to-from)*d.state.Sub)
	if err := d.state.Tokens.View((slot*d.state.Length+from)*d.state.Sub, len(raw)).ReadI32(raw); err != nil {
		return nil, err
	}
	out := make([]uint32, len(raw))
	for i, x := range raw {
		out[i] = uint32(x)
	}
	return out, nil
}

// Gaps reads by position how far apart the two largest logits of a slot were when a token
// was last drawn there, in steps that say so.
func (d *Decoder) Gaps(slot int) ([]float32, error) {
	if err := d.fits("Gaps", slot, 0, 0); err != nil {
		return nil, err
	}
	return d.gaps.View(slot*d.state.Length, d.sys.Layout.Length).F32()
}

// fits returns an error wrapping [ErrTooLong] if a slot's tables lack these entries.
func (d *Decoder) fits(where string, slot, from, n int) error {
	if slot < 0 || slot >= d.state.Slots || from < 0 || n < 0 || from+n > d.state.Length {
		return fmt.Errorf("engine.%s: %w: entries %d to %d of slot %d, room for %d in %d slots", where, ErrTooLong, from, from+n, slot, d.state.Length, d.state.Slots)
	}
	return nil
}

// SetNoise writes recorded noise, for tests: f32 [positions, entries, width] of a slot's
// positions from 0 on, see DecoderOptions.Recorded.
func (d *Decoder) SetNoise(slot int, x []float32) error {
	if d.recorded == nil {
		return fmt.Errorf("engine.SetNoise: %w: the decoder has no room for noise", ErrRequest)
	}
	t := d.recorded
	each := t.Dim(2) * t.Dim(3)
	if err := d.fits("SetNoise", slot, 0, (len(x)+each-1)/each); err != nil {
		return err
	}
	return t.View(slot*t.Dim(1)*each, len(x)).WriteF32(x)
}
