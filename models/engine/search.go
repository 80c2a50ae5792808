package engine

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/morton-gen/morton/models/system"
)

// Search makes several samples of a request at once, compares them on the way, and goes on
// with the best: beam search with a verifier. The hypotheses share the pages of what they
// have in common. The result depends on the request alone, never on the batch.
//
// Hypothesis i has a random stream of its own, that of the first is the request's. A
// dropped hypothesis goes on behind a copy of a kept one, with its own stream.
//
// Source: after Riise et al., "Visual Autoregressive Models Beat Diffusion Models on
// Inference Time Scaling", 2025, arXiv:2510.16751.
type Search struct {
	Width int // hypotheses, each with the slots of a request
	Keep  int // hypotheses that a comparison keeps, at most Width
	Every int // steps that draw, of each hypothesis, from one comparison to the next
	// Score says how good the tokens of the positions so far are; larger is better, and
	// NaN is worst. Where positions are drawn out of order, the words of those that have no
	// token yet are 0. It runs on the goroutine that called Generate, while other requests go
	// on. It must depend on the tokens alone. Meanwhile the search keeps its slots and pages.
	Score func(tokens []uint32) float64
}

// check returns what is wrong with a search for a request of some slots.
func (s *Search) check(each, slots int) error {
	if s == nil || s.Width >= 1 && s.Keep >= 1 && s.Keep <= s.Width && s.Every >= 1 && s.Score != nil && s.Width <= slots/each {
		return nil
	}
	return fmt.Errorf("engine.Generate: %w: %d hypotheses of %d slots, %d kept every %d steps, %d slots in all", ErrRequest, s.Width, each, s.Keep, s.Every, slots)
}

// search is a request with hypotheses. Each of them is a job.
type search struct {
	of     *job
	hyps   []*job
	asked  bool      // the scores are on their way
	scores []float64 // of the hypotheses as they wait; nil: not known
}

// scoring asks for the scores of a search's hypotheses. It goes to the goroutine of the
// request and comes back with the scores.
type scoring struct {
	search *search
	tokens [][]uint32
	scores []float64
}

// hypothesis is what a job of a search has beside other jobs.
type hypothesis struct {
	search  *search
	index   int
	steps   int    // since the last comparison
	history []seen // by the schedule
	paused  bool   // until the next comparison
	done    bool
}

// seen is what a schedule has looked at before a run.
type seen struct {
	tokens []uint32
	gaps   []float32
}

// resting reports whether the job waits for a comparison.
func (j *job) resting() bool { return j.hyp != nil && (j.hyp.paused || j.hyp.done) }

// need returns the number of slots that a request takes.
func (e *Engine) need(j *job) int {
	if j.req.Search != nil {
		return e.branches(&j.req) * j.req.Search.Width
	}
	return e.branches(&j.req)
}

// stream numbers the random stream of a job.
func (j *job) stream() uint64 {
	if j.hyp == nil || j.hyp.index == 0 {
		return number(j.req.ID)
	}
	return number(fmt.Sprintf("%s\x00hypothesis %d", j.req.ID, j.hyp.index))
}

// members returns the jobs that come and go together with a job.
func (j *job) members() []*job {
	if j.hyp == nil {
		return []*job{j}
	}
	return j.hyp.search.hyps
}

// request returns the job that came through the queue.
func (j *job) request() *job {
	if j.hyp == nil {
		return j
	}
	return j.hyp.search.of
}

// spread returns the jobs that run for one that came through the queue.
func (j *job) spread() []*job {
	if j.req.Search == nil {
		return []*job{j}
	}
	s := &search{of: j}
	for i := range j.req.Search.Width {
		s.hyps = append(s.hyps, &job{ctx: j.ctx, req: j.req, queued: j.queued, hyp: &hypothesis{search: s, index: i}})
	}
	return s.hyps
}

// stepsLeft returns the number of steps that a job may take in a submit.
func (j *job) stepsLeft(most int) int {
	if j.hyp == nil || j.run.GroupTargets == 0 {
		return most
	}
	return min(most, j.req.Search.Every-j.hyp.steps)
}

// rest counts a hypothesis's steps. It pauses when a comparison is due.
func (j *job) rest() bool {
	j.hyp.paused = j.hyp.steps >= j.req.Search.Every
	return j.hyp.paused
}

// compareAll compares the hypotheses of every search whose hypotheses all wait for it, once
// their scores are known. It asks for those that are not. It reports whether it compared.
func (e *Engine) compareAll() (compared bool) {
	for _, j := range e.sched.active {
		if j.hyp == nil || j.hyp.index > 0 || j.hyp.search.asked || slices.ContainsFunc(j.members(), func(h *job) bool { return !h.resting() }) {
			continue
		}
		s := j.hyp.search
		if s.scores == nil {
			if err := e.ask(s); err != nil {
				e.leave(j, Result{}, err)
			}
			continue
		}
		compared = true
		if res, done, err := e.compare(s); done || err != nil {
			e.leave(j, res, err)
		}
	}
	e.keep(e.sched.active)
	return compared
}

// ask sends the tokens of a search's hypotheses to the goroutine of its request. A search
// that began again may have asked before; nobody waits for those scores.
func (e *Engine) ask(s *search) error {
	q := &scoring{search: s}
	for _, h := range s.hyps {
		tokens, err := e.dec.Tokens(h.slot, 0, h.positions)
		if err != nil {
			return err
		}
		q.tokens = append(q.tokens, tokens)
	}
	select {
	case <-s.of.ask:
	default:
	}
	s.of.ask <- q
	s.asked = true
	return nil
}

// answer scores hypotheses and sends the scores to the engine. It runs on the goroutine of
// the request.
func (e *Engine) answer(q *scoring) {
	for _, tokens := range q.tokens {
		x := q.search.of.req.Search.Score(tokens)
		if math.IsNaN(x) {
			x = math.Inf(-1)
		}
		q.scores = append(q.scores, x)
	}
	select {
	case e.scored <- q:
	case <-e.done:
	}
}

// take hands scores to their search.
func (q *scoring) take() { q.search.asked, q.search.scores = false, q.scores }

// collect takes the scores that have come.
func (e *Engine) collect() {
	for {
		select {
		case q := <-e.scored:
			q.take()
		default:
			return
		}
	}
}

// idle reports whether every active job waits for scores.
func (e *Engine) idle() bool {
	return !slices.ContainsFunc(e.sched.active, func(j *job) bool { return j.hyp == nil || !j.hyp.search.asked })
}

// anyReady reports whether a job can be part of a step.
func (e *Engine) anyReady() bool { return slices.ContainsFunc(e.sched.active, (*job).ready) }

// compare keeps the best hypotheses of a search and lets the others go on behind copies of
// them. It returns the result if none of the best goes on.
func (e *Engine) compare(s *search) (Result, bool, error) {
	r := s.of.req.Search
	ranked, best := s.rank()
	s.scores = nil
	kept := slices.DeleteFunc(slices.Clone(ranked[:r.Keep]), func(h *job) bool { return h.hyp.done })
	if len(kept) == 0 {
		res, err := e.found(s, ranked[0], best)
		return res, true, err
	}
	for i, h := range ranked[r.Keep:] {
		if err := e.fork(h, kept[i%len(kept)]); err != nil {
			return Result{}, false, err
		}
	}
	for _, h := range s.hyps {
		h.hyp.steps, h.hyp.paused = 0, false
	}
	return Result{}, false, nil
}

// rank returns the hypotheses, the best first, and its score. Of equals the first is the
// better one.
func (s *search) rank() ([]*job, float64) {
	ranked := slices.Clone(s.hyps)
	slices.SortStableFunc(ranked, func(a, b *job) int { return cmp.Compare(s.scores[b.hyp.index], s.scores[a.hyp.index]) })
	return ranked, s.scores[ranked[0].hyp.index]
}

// found returns the result of a search.
func (e *Engine) found(s *search, best *job, score float64) (Result, error) {
	res, err := e.result(best)
	res.Score, res.Steps = score, 0
	for _, h := range s.hyps {
		res.Steps += h.spent
	}
	return res, err
}

// fork makes a hypothesis go on where another is. It keeps its slots and random stream.
func (e *Engine) fork(to, from *job) error {
	best := from.all()
	for i, slot := range to.all() {
		if err := e.dec.Fork(slot, best[i], e.dec.held(best[i])...); err != nil {
			return err
		}
	}
	to.run, to.row, to.draw, to.number = from.run, from.row, from.draw, from.number
	to.positions, to.drawn, to.ended = from.positions, from.drawn, from.ended
	to.prefix = prefix{kept: from.prefix.kept, runs: slices.Clip(from.prefix.runs), drafts: slices.Clip(from.prefix.drafts), open: from.prefix.open}
	to.hyp.history, to.hyp.done = slices.Clone(from.hyp.history), false
	if err := e.replay(to); err != nil || to.row >= to.run.N {
		return err
	}
	return e.load(to)
}

// replay starts a job's schedule again and asks it what it was asked. A schedule is not
// copied, but its runs follow from the tokens that it sees.
func (e *Engine) replay(j *job) error {
	schedule, err := j.start()
	if err != nil {
		return err
	}
	var run system.Run
	for _, x := range j.hyp.history {
		if run, err = look(schedule, x.tokens, x.gaps); err != nil {
			return err
		}
	}
	if run.N != j.run.N || run.GroupTargets != j.run.GroupTargets {
		return fmt.Errorf("engine: %w: the schedule is another when it begins again", ErrRequest)
	}
	j.schedule = schedule
	return nil
}

// start begins a job's schedule.
func (j *job) start() (system.Schedule, error) {
	return seeded(j, j.req.Schedule)
}

// seeded begins a schedule with the random words of the job's request.
func seeded(j *job, begin func() (system.Schedule, error)) (system.Schedule, error) {
	schedule, err := begin()
	if s, ok := schedule.(system.Seeded); ok && err == nil {
		s.Seed(words(j.req.Seed, number(j.req.ID)))
	}
	return schedule, err
}

// result returns the sample of a job whose runs are done.
func (e *Engine) result(j *job) (Result, error) {
	tokens, err := e.dec.Tokens(j.slot, 0, j.positions)
	if err != nil {
		return Result{}, err
	}
	e.mu.Lock()
	e.stats.Requests++
	e.stats.Tokens += int64(j.drawn)
	e.mu.Unlock()
	return Result{
		Tokens: tokens, Ended: j.endedWith(tokens, e.sys.Token.Words()), Sampled: j.drawn, Steps: j.spent,
		Elapsed: time.Since(j.started), Waited: j.started.Sub(j.queued), First: j.first.Sub(j.queued),
	}, nil
}
