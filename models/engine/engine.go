package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/models/transformer"
)

// Errors a caller can branch on.
var (
	// ErrClosed reports a request to an engine that was closed.
	ErrClosed = errors.New("engine is closed")
	// ErrTooLong reports a request with more positions than the network's tables hold.
	ErrTooLong = errkind.New("too_long", "sequence is too long for the model")
	// ErrRequest reports a request that makes no sense.
	ErrRequest = errkind.New("bad_request", "bad request")
)

// DefaultSlots is how many sequences an engine generates at once.
const DefaultSlots = 8

// Options configure an engine.
type Options struct {
	Slots     int                   // sequences generated at once; 0 means DefaultSlots
	Precision transformer.Precision // of the matrices; "" means f16
	Steps     int                   // steps a submit, before requests may join; 0 means 32
}

// Request asks for one sample.
type Request struct {
	ID   string // with Seed, decides the randomness
	Seed uint64
	// Temperature 0 takes the likeliest token; TopK 0 and TopP 1 are off. For
	// binary codes only the temperature counts.
	Temperature float32
	TopK        int
	TopP        float32
	End         int64 // the token that ends the sample; negative: none
	Pinned      int   // first positions that stay visible for ever
	// Plan lays out the first positions and Tokens gives the first tokens; the
	// positions without a token are drawn. See transformer.Sequence.
	Plan   []int32
	Tokens []uint32
	// Next, if set, is called when every planned position is drawn, with all
	// tokens so far. It returns the plan of further positions, or nil when the
	// sample is complete. It runs on the engine's goroutine: keep it short.
	Next func(tokens []uint32) (plan []int32, err error)
}

// Result is one sample.
type Result struct {
	Tokens  []uint32 // of all positions, the given ones too
	Ended   bool     // the end token was drawn (it is the last token)
	Drawn   int      // positions drawn
	Elapsed time.Duration
	Waited  time.Duration // before a slot was free
}

// Engine owns a decoder and the goroutine that runs it. Safe for concurrent use.
type Engine struct {
	opts  Options
	cfg   transformer.Config
	dec   *transformer.Decoder
	queue chan *job
	quit  chan struct{}
	done  chan struct{}
	close sync.Once

	mu    sync.Mutex
	stats Stats
}

// Stats counts what an engine has done since it was made.
type Stats struct {
	Requests, Tokens, Submits int64
	Busy                      time.Duration
	Lanes                     int64 // sum of lanes over submits: occupancy is Lanes/Submits
}

type job struct {
	ctx     context.Context
	req     Request
	result  chan outcome
	queued  time.Time
	started time.Time
	planned int // positions with a plan
	lane    transformer.Lane
}

type outcome struct {
	res Result
	err error
}

// New loads the weights and starts the engine. Errors: transformer.ErrConfig,
// params.ErrWeights, gpu.ErrOutOfMemory.
func New(dev *gpu.Device, cfg transformer.Config, weights *safetensors.File, opts Options) (*Engine, error) {
	if opts.Slots <= 0 {
		opts.Slots = DefaultSlots
	}
	if opts.Steps <= 0 {
		opts.Steps = 32
	}
	dec, err := transformer.NewDecoder(dev, cfg, weights, transformer.DecoderOptions{Slots: opts.Slots, Precision: opts.Precision})
	if err != nil {
		return nil, err
	}
	e := &Engine{opts: opts, cfg: cfg, dec: dec, queue: make(chan *job, 1024), quit: make(chan struct{}), done: make(chan struct{})}
	go e.run()
	return e, nil
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
// gpu.ErrDeviceLost, and what Next returns.
func (e *Engine) Generate(ctx context.Context, req Request) (Result, error) {
	if err := e.check(&req); err != nil {
		return Result{}, err
	}
	j := &job{ctx: ctx, req: req, result: make(chan outcome, 1), queued: time.Now()}
	select {
	case e.queue <- j:
	case <-e.quit:
		return Result{}, fmt.Errorf("engine.Generate: %w", ErrClosed)
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	select {
	case o := <-j.result:
		return o.res, o.err
	case <-e.done:
		select {
		case o := <-j.result:
			return o.res, o.err
		default:
			return Result{}, fmt.Errorf("engine.Generate: %w", ErrClosed)
		}
	}
}

func (e *Engine) check(req *Request) error {
	cols, words := e.columns(), e.cfg.Words()
	n, given := len(req.Plan)/cols, len(req.Tokens)/words
	bad := func(format string, args ...any) error {
		return fmt.Errorf("engine.Generate: %w: %s", ErrRequest, fmt.Sprintf(format, args...))
	}
	switch {
	case len(req.Plan)%cols != 0 || len(req.Tokens)%words != 0 || given > n || n == 0:
		return bad("%d plan values in rows of %d, %d token words of %d", len(req.Plan), cols, len(req.Tokens), words)
	case n > e.cfg.Length:
		return fmt.Errorf("engine.Generate: %w: %d positions, at most %d", ErrTooLong, n, e.cfg.Length)
	case req.Temperature < 0 || req.Temperature != req.Temperature || req.TopK < 0 || !(req.TopP > 0 && req.TopP <= 1):
		return bad("temperature %g, top-k %d, top-p %g", req.Temperature, req.TopK, req.TopP)
	case req.Pinned < 0 || req.Pinned > n || req.Pinned > e.cfg.Context/2:
		return bad("%d pinned positions of %d, context %d", req.Pinned, n, e.cfg.Context)
	}
	return nil
}

func (e *Engine) columns() int { return e.cfg.Dims(1).PlanColumns() }

// run is the engine's goroutine: admit, step, finish, until closed.
func (e *Engine) run() {
	defer close(e.done)
	defer e.dec.Free()
	var active []*job
	free := make([]int, 0, e.opts.Slots)
	for i := e.opts.Slots - 1; i >= 0; i-- {
		free = append(free, i)
	}
	for {
		var ok bool
		if active, free, ok = e.admit(active, free); !ok {
			for _, j := range active {
				j.result <- outcome{err: fmt.Errorf("engine: %w", ErrClosed)}
			}
			return
		}
		active, free = e.advance(active, free)
	}
}

// admit moves queued requests into free slots; with none active it waits.
func (e *Engine) admit(active []*job, free []int) ([]*job, []int, bool) {
	for len(free) > 0 {
		var j *job
		if len(active) == 0 {
			select {
			case j = <-e.queue:
			case <-e.quit:
				return active, free, false
			}
		} else {
			select {
			case j = <-e.queue:
			case <-e.quit:
				return active, free, false
			default:
				return active, free, true
			}
		}
		slot := free[len(free)-1]
		if err := e.start(j, slot); err != nil {
			j.result <- outcome{err: err}
			continue
		}
		free = free[:len(free)-1]
		active = append(active, j)
	}
	select {
	case <-e.quit:
		return active, free, false
	default:
		return active, free, true
	}
}

// number turns a request's id into the word that enters its random counters.
func number(id string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32()
}

func (e *Engine) start(j *job, slot int) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	j.started = time.Now()
	r := &j.req
	given := len(r.Tokens) / e.cfg.Words()
	j.planned = len(r.Plan) / e.columns()
	err := e.dec.SetSampling(slot, step.Sampling{
		Seed: r.Seed, Request: number(r.ID), Temperature: r.Temperature, TopK: r.TopK, TopP: r.TopP, End: r.End, Pinned: r.Pinned,
	})
	if err == nil {
		err = e.dec.Load(slot, 0, r.Plan, r.Tokens)
	}
	if err == nil && given > 0 {
		err = e.dec.Prompt(slot, given)
	}
	j.lane = transformer.Lane{Slot: slot, Cursor: given, Limit: j.planned, Draw: given}
	return err
}

// advance runs one submit for the active jobs and retires those that are done.
func (e *Engine) advance(active []*job, free []int) ([]*job, []int) {
	begin := time.Now()
	lanes := make([]transformer.Lane, len(active))
	longest := 1
	for i, j := range active {
		lanes[i] = j.lane
		longest = max(longest, (j.lane.Limit-j.lane.Cursor+e.cfg.Group-1)/e.cfg.Group)
	}
	err := e.dec.Step(lanes, min(longest, e.opts.Steps))
	e.count(begin, active, lanes)
	var rest []*job
	for i, j := range active {
		j.lane = lanes[i]
		done, res, jerr := e.settle(j, err)
		if !done {
			rest = append(rest, j)
			continue
		}
		free = append(free, j.lane.Slot)
		j.result <- outcome{res, jerr}
	}
	return rest, free
}

func (e *Engine) count(begin time.Time, active []*job, lanes []transformer.Lane) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Submits++
	e.stats.Lanes += int64(len(active))
	e.stats.Busy += time.Since(begin)
	for i, j := range active {
		e.stats.Tokens += int64(lanes[i].Cursor - j.lane.Cursor)
	}
}

// settle decides whether a job is done after a step.
func (e *Engine) settle(j *job, err error) (bool, Result, error) {
	if err == nil {
		err = j.ctx.Err()
	}
	if err != nil {
		return true, Result{}, err
	}
	if j.lane.Cursor < j.lane.Limit {
		return false, Result{}, nil
	}
	tokens, err := e.dec.Tokens(j.lane.Slot, 0, j.lane.Cursor)
	if err != nil {
		return true, Result{}, err
	}
	ended := j.req.End >= 0 && j.lane.Cursor > 0 && int64(tokens[(j.lane.Cursor-1)*e.cfg.Words()]) == j.req.End && j.lane.Cursor > j.lane.Draw
	if !ended && j.req.Next != nil {
		more, err := e.extend(j, tokens)
		if err != nil {
			return true, Result{}, err
		}
		if more {
			return false, Result{}, nil
		}
	}
	e.mu.Lock()
	e.stats.Requests++
	e.mu.Unlock()
	return true, Result{
		Tokens: tokens, Ended: ended, Drawn: j.lane.Cursor - j.lane.Draw,
		Elapsed: time.Since(j.started), Waited: j.started.Sub(j.queued),
	}, nil
}

// extend asks a request for further positions and plans them.
func (e *Engine) extend(j *job, tokens []uint32) (bool, error) {
	plan, err := j.req.Next(tokens)
	if err != nil || len(plan) == 0 {
		return false, err
	}
	n := len(plan) / e.columns()
	if j.planned+n > e.cfg.Length {
		return false, fmt.Errorf("engine: %w: %d positions, at most %d", ErrTooLong, j.planned+n, e.cfg.Length)
	}
	if err := e.dec.Load(j.lane.Slot, j.planned, plan, nil); err != nil {
		return false, err
	}
	j.planned += n
	j.lane.Limit = j.planned
	return true, nil
}
