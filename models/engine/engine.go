package engine

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Defaults of Options.
const (
	DefaultSlots = 8
	defaultSteps = 32
	defaultRows  = 128
	defaultQueue = 1024
	mostAhead    = 64 // so that no program serves guesses and their check, see programKey
)

// Options configure an engine.
type Options struct {
	Slots     int          // sequences generated at once; 0 means DefaultSlots. Guidance takes one a branch
	Precision nn.Precision // of the matrices; "" means f16
	// Steps caps the steps of a submit; 0 means 32. Requests join and leave between
	// submits. The engine takes fewer where a step is slow, see submitTime.
	Steps int
	// Rows caps the rows that prompts bring to a step; 0 means 128. One piece of a
	// prompt is always taken. So are the rows of every request that draws.
	Rows int
	// Queue is the number of requests that may wait for a slot; 0 means 1024. Generate
	// blocks while it is full. Requests begin in the order in which they came.
	Queue    int
	Pages    int          // see DecoderOptions
	Cache    nn.Precision // see DecoderOptions
	Recorded int          // see DecoderOptions; for tests
	Draft    *Draft
	// Apart makes every request read its own prompt, for comparison. Else requests that
	// begin alike read it once and share its pages.
	Apart bool
}

// Draft is a smaller system that proposes tokens. The engine's own system then checks
// several at once. Both draw with the same random numbers, and a token stays if both
// draw it. So the samples are those without a draft, to the bit. It serves requests
// without guidance, whose runs are single rows with single draws.
//
// Without a System the engine's own drafts for itself: in one step it guesses several
// tokens, each from those that are known, and then checks them one behind the other. It
// serves runs with a Guess. The first guess is always right, so two steps draw two tokens
// at least.
//
// Tokens of real numbers are drafted set by set, with guidance too, as far as the schedule
// says (system.Run.Drafted). One step then checks all these sets by the probabilities of
// their tokens ([refine.Draft]): they are distributed as the engine's own of one large
// set, but they are others.
//
// Source: Leviathan et al., "Fast Inference from Transformers via Speculative
// Decoding", 2022, arXiv:2211.17192; shared random numbers, Daliri et al., "Coupling
// without Communication and Drafter-Invariant Speculative Decoding", 2024,
// arXiv:2408.07978; a network that drafts for itself, Guo and Ermon, "Reviving Any-Subset
// Autoregressive Models with Principled Parallel Sampling and Speculative Decoding", 2025,
// arXiv:2504.20456; real numbers, Wang et al., "Continuous Speculative Decoding for
// Autoregressive Image Generation", 2024, arXiv:2411.11925.
type Draft struct {
	System  *system.System // with positions and tokens as the engine's; nil: itself
	Weights nn.Weights
	Ahead   int    // tokens checked at once, at least 2; for real numbers see system.Prompt
	Relax   *Relax // nil: samples are those without a draft
}

// complete replaces zeros by the defaults.
func (o *Options) complete() {
	for _, x := range []struct{ have, or *int }{
		{&o.Slots, ptr(DefaultSlots)}, {&o.Steps, ptr(defaultSteps)}, {&o.Rows, ptr(defaultRows)}, {&o.Queue, ptr(defaultQueue)},
	} {
		if *x.have <= 0 {
			*x.have = *x.or
		}
	}
}

func ptr(n int) *int { return &n }

// decoder returns the options of the engine's decoder.
func (o *Options) decoder() DecoderOptions {
	rows := o.Rows
	if o.Draft != nil { // checks bring rows too
		rows = max(rows, o.Slots*o.Draft.Ahead)
	}
	return DecoderOptions{Slots: o.Slots, Precision: o.Precision, Pages: o.Pages, Rows: rows, Cache: o.Cache, Recorded: o.Recorded}
}

// Bytes returns the device memory that [New] asks for, without a draft's.
func (o Options) Bytes(sys *system.System) uint64 {
	o.complete()
	return Bytes(sys, o.decoder())
}

// Request asks for one sample.
type Request struct {
	ID   string // with Seed, decides the randomness
	Seed uint64
	// Temperature 0 takes the likeliest token; TopK 0, TopP 1 and MinP 0 are off. For
	// binary codes only the temperature counts.
	Temperature    float32
	TopK           int
	TopP, MinP     float32
	Guidance       float32 // scale of the guidance; up to 1 there is none
	Most           int     // positions that are drawn at most; 0: as many as the schedule asks
	End            int64   // the token that ends the sample; negative: none
	Sinks          int     // first rows whose keys stay for ever (attention sinks)
	Tokens         []uint32
	ConstraintData []uint32  // what the system's constraint reads of the request; nil: nothing
	Noise          []float32 // recorded, in place of random numbers; for tests, see Decoder.SetNoise
	// Schedule starts the request's runs. Tokens are those of its first positions. It
	// is called again if the request begins again for want of pages. It and the
	// schedule run on the engine's goroutine, so keep them short.
	Schedule func() (system.Schedule, error)
	Search   *Search // among several hypotheses; nil: one sample. They are not drafted
	// Drafts is the same schedule for the engine's draft; nil means Schedule. The
	// draft's rows may have other columns.
	Drafts func() (system.Schedule, error)
}

// Result is one sample.
type Result struct {
	Tokens  []uint32 // of all positions, the given ones too; the bits of real numbers
	Ended   bool     // the end token was drawn (it is the last token)
	Sampled int      // positions drawn
	Steps   int      // that drew, of all hypotheses
	Score   float64  // of a search
	Elapsed time.Duration
	Waited  time.Duration // before a slot was free
	First   time.Duration // from when it came to its first drawn token
}

// Numbers returns tokens of real numbers.
func (r *Result) Numbers() []float32 {
	out := make([]float32, len(r.Tokens))
	for i, x := range r.Tokens {
		out[i] = math.Float32frombits(x)
	}
	return out
}

// Engine owns a decoder and the goroutine that runs it. Safe for concurrent use.
type Engine struct {
	opts   Options
	sys    *system.System
	dec    *Decoder
	draft  *Decoder // nil without
	queue  chan *job
	scored chan *scoring
	quit   chan struct{}
	done   chan struct{}
	close  sync.Once
	sched  scheduler

	mu    sync.Mutex
	stats Stats
}

// Stats counts what an engine has done since it was made.
type Stats struct {
	Requests, Tokens, Submits int64
	Steps                     int64 // of all submits
	Busy                      time.Duration
	Sequences                 int64 // sum of sequences over submits: occupancy is Sequences/Submits
	Preempted                 int64 // requests that had to begin again for want of cache
	Checked                   int64 // steps that checked drafted tokens: each kept Kept/Checked tokens
	Kept                      int64
	Shared                    int64 // rows of prompts that another request had read
	Pages, MostPages          int   // of the cache, lent now and at most, without a draft's
}

type outcome struct {
	res Result
	err error
}

// New loads the weights and starts the engine. Errors: nn.ErrConfig, nn.ErrWeights,
// gpu.ErrOutOfMemory.
func New(dev *gpu.Device, sys *system.System, weights nn.Weights, opts Options) (*Engine, error) {
	opts.complete()
	dec, err := NewDecoder(dev, sys, weights, opts.decoder())
	if err != nil {
		return nil, err
	}
	draft, err := newDraft(dev, dec, opts)
	if err == nil {
		err = dec.relax(draft, opts)
	}
	if err != nil {
		if draft != nil {
			draft.Free()
		}
		dec.Free()
		return nil, err
	}
	e := &Engine{opts: opts, sys: sys, dec: dec, draft: draft, queue: make(chan *job, opts.Queue), scored: make(chan *scoring), quit: make(chan struct{}), done: make(chan struct{})}
	for i := opts.Slots - 1; i >= 0; i-- {
		e.sched.free = append(e.sched.free, i)
	}
	go e.run()
	return e, nil
}

// newDraft opens the decoder of a draft, nil without one.
func newDraft(dev *gpu.Device, dec *Decoder, o Options) (*Decoder, error) {
	if o.Draft == nil {
		return nil, nil
	}
	if o.Draft.Ahead < 2 || o.Draft.Ahead > mostAhead {
		return nil, fmt.Errorf("engine.New: %w: a draft of %d tokens, from 2 to %d", ErrRequest, o.Draft.Ahead, mostAhead)
	}
	if dec.refined != nil {
		if err := draftsNumbers(dec.sys, o.Draft); err != nil {
			return nil, err
		}
	}
	if o.Draft.System == nil {
		if o.Draft.Ahead-1 > dec.sys.Layout.Guesses {
			return nil, fmt.Errorf("engine.New: %w: a system that guesses %d tokens at most, not %d", ErrRequest, dec.sys.Layout.Guesses, o.Draft.Ahead-1)
		}
		return nil, nil
	}
	return NewDecoder(dev, o.Draft.System, o.Draft.Weights, DecoderOptions{Slots: o.Slots, Precision: o.Precision, Cache: o.Cache, Shares: dec})
}

// Close stops the engine; requests in flight fail with [ErrClosed].
func (e *Engine) Close() {
	e.close.Do(func() { close(e.quit) })
	<-e.done
}

// Stats returns the counters so far.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

// Generate runs one request to its end. Call it from several goroutines to share
// the device. Errors: [ErrClosed], [ErrTooLong], [ErrRequest], the context's,
// gpu.ErrDeviceLost, and those of the schedule; system.ErrLimit for a schedule that asks
// for more than Most.
func (e *Engine) Generate(ctx context.Context, req Request) (Result, error) {
	if err := e.check(&req); err != nil {
		return Result{}, err
	}
	j := &job{ctx: ctx, req: req, result: make(chan outcome, 1), ask: make(chan *scoring, 1), queued: time.Now()}
	select {
	case e.queue <- j:
	case <-e.quit:
		return Result{}, fmt.Errorf("engine.Generate: %w", ErrClosed)
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	for {
		select {
		case o := <-j.result:
			return o.res, o.err
		case q := <-j.ask:
			e.answer(q)
		case <-e.done:
			select {
			case o := <-j.result:
				return o.res, o.err
			default:
				return Result{}, fmt.Errorf("engine.Generate: %w", ErrClosed)
			}
		}
	}
}

func (e *Engine) check(req *Request) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("engine.Generate: %w: %s", ErrRequest, fmt.Sprintf(format, args...))
	}
	words := e.sys.Token.Words()
	switch {
	case req.Schedule == nil:
		return bad("no schedule")
	case len(req.Tokens)%words != 0:
		return bad("%d token words of %d", len(req.Tokens), words)
	case len(req.Tokens)/words > e.sys.Layout.Length:
		return fmt.Errorf("engine.Generate: %w: %d positions, at most %d", ErrTooLong, len(req.Tokens)/words, e.sys.Layout.Length)
	case req.Temperature < 0 || req.Temperature != req.Temperature || req.TopK < 0 || !(req.TopP > 0 && req.TopP <= 1) || !(req.MinP >= 0 && req.MinP <= 1):
		return bad("temperature %g, top-k %d, top-p %g, min-p %g", req.Temperature, req.TopK, req.TopP, req.MinP)
	case req.Guidance < 0 || req.Guidance != req.Guidance || e.branches(req) > e.opts.Slots:
		return bad("guidance %g with %d slots; it takes %d", req.Guidance, e.opts.Slots, e.branches(req))
	case req.Sinks < 0 || req.Sinks > e.sys.Layout.Context/2:
		return bad("%d sinks rows, context %d", req.Sinks, e.sys.Layout.Context)
	}
	return req.Search.check(e.branches(req), e.opts.Slots)
}

// guided reports whether the request has further branches, without conditions.
func (r *Request) guided() bool { return r.Guidance > 1 }
