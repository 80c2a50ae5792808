package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/morton-gen/morton/models/system"
)

// submitTime bounds a submit of several steps. A request that comes meanwhile waits
// that long. A submit by itself costs a tenth of a millisecond.
const submitTime = 4 * time.Millisecond

// scheduler is the state of the engine's goroutine. Requests join and leave between
// submits.
type scheduler struct {
	active  []*job        // in the order in which they came
	waiting []*job        // the next to begin, which lack slots or pages
	free    []int         // slots
	last    sort          // of the jobs of the last step
	short   bool          // pages were short, and no job has left since
	perStep time.Duration // of the last submit
}

// run is the engine's goroutine: admit, step, finish, until closed.
func (e *Engine) run() {
	defer close(e.done)
	defer e.free()
	for e.admit() {
		e.advance()
	}
	for _, j := range append(e.sched.active, e.sched.waiting...) {
		if j.hyp != nil && j.hyp.index > 0 {
			continue
		}
		j.request().result <- outcome{err: fmt.Errorf("engine: %w", ErrClosed)}
	}
}

func (e *Engine) free() {
	if e.draft != nil {
		e.draft.Free()
	}
	e.dec.Free()
}

// admit gives slots to the requests that have waited longest. Where no active request can
// go on it waits for another, or for scores. It returns false when the engine is closed.
func (e *Engine) admit() bool {
	for !e.closed() {
		idle := e.idle()
		if len(e.sched.waiting) == 0 {
			j, open := e.receive(idle)
			if !open {
				return false
			}
			if j == nil {
				return true
			}
			e.sched.waiting = append(e.sched.waiting, j)
		}
		j := e.sched.waiting[0]
		if e.need(j) > len(e.sched.free) || e.sched.short && len(e.sched.active) > 0 {
			if idle {
				e.awaitScores()
			}
			return true
		}
		e.sched.waiting = e.sched.waiting[1:]
		e.join(j)
	}
	return false
}

// closed reports whether the engine is to end.
func (e *Engine) closed() bool {
	select {
	case <-e.quit:
		return true
	default:
		return false
	}
}

// awaitScores waits until scores come or the engine is closed.
func (e *Engine) awaitScores() {
	select {
	case q := <-e.scored:
		q.take()
	case <-e.quit:
	}
}

// receive returns the next request of the queue, nil without one. If wait is true it waits
// for one, or until scores come. It returns false when the engine is closed.
func (e *Engine) receive(wait bool) (*job, bool) {
	if !wait {
		select {
		case j := <-e.queue:
			return j, true
		default:
			return nil, true
		}
	}
	select {
	case j := <-e.queue:
		return j, true
	case q := <-e.scored:
		q.take()
		return nil, true
	case <-e.quit:
		return nil, false
	}
}

// join gives a request's jobs their slots and begins them.
func (e *Engine) join(of *job) {
	take := func() int {
		last := len(e.sched.free) - 1
		slot := e.sched.free[last]
		e.sched.free = e.sched.free[:last]
		return slot
	}
	jobs := of.spread()
	for _, j := range jobs {
		j.slot, j.others = take(), nil
		for range e.branches(&j.req) - 1 {
			j.others = append(j.others, take())
		}
	}
	before := len(e.sched.active)
	for _, j := range jobs {
		if err := e.begin(j); err != nil {
			e.sched.active = e.sched.active[:before]
			e.leave(j, Result{}, err)
			return
		}
		e.sched.active = append(e.sched.active, j)
	}
}

// leave takes the slots of a request's jobs back and sends its outcome.
func (e *Engine) leave(j *job, r Result, err error) {
	e.sched.short = false
	if rerr := e.releaseAll(j); err == nil {
		err = rerr
	}
	j.request().result <- outcome{r, err}
}

// releaseAll takes the slots of a request's jobs back.
func (e *Engine) releaseAll(j *job) (err error) {
	for _, h := range j.members() {
		if rerr := e.release(h); rerr != nil {
			err = rerr
		}
	}
	return err
}

// keep sets the active jobs, less those that have left.
func (e *Engine) keep(jobs []*job) {
	e.sched.active = slices.DeleteFunc(jobs, func(j *job) bool { return j.left })
}

// release takes a job's slots and pages back.
func (e *Engine) release(j *job) (err error) {
	j.left = true
	e.orphan(j)
	defer e.countPages()
	for _, slot := range slices.Backward(j.all()) {
		e.sched.free = append(e.sched.free, slot)
		if rerr := e.dec.Release(slot); rerr != nil {
			err = rerr
		}
		if e.draft == nil {
			continue
		}
		if rerr := e.draft.Release(slot); rerr != nil {
			err = rerr
		}
	}
	return err
}

// advance runs one submit and retires the jobs that are done.
func (e *Engine) advance() {
	e.collect()
	for again := true; again; again = e.compareAll() {
		e.adoptAll()
	}
	jobs, s, err := e.secure()
	if len(jobs) == 0 {
		return
	}
	begin := time.Now()
	if err == nil {
		err = e.step(jobs, s)
	}
	elapsed := time.Since(begin)
	e.sched.perStep = elapsed / time.Duration(s.Times)
	ran := map[*job]bool{}
	at := 0
	kept, checks := 0, false
	for _, j := range jobs {
		ran[j] = true
		checks = checks || j.checks()
		if err == nil {
			if s.Sequences[at].Checks {
				kept += s.Sequences[at].Target - j.draw
			}
			if j.checks() {
				var n int
				n, err = e.kept(j)
				kept += n
			}
			j.advance(s.Sequences[at])
		}
		at += j.slots()
	}
	e.count(jobs, s.Times, elapsed, kept, checks)
	e.retire(ran, err)
}

// secure returns the next step, and lends its jobs the pages that it needs. Where pages
// are short, the job that came last begins again later. It draws the same tokens. Without a
// job that can go on there is no step.
func (e *Engine) secure() ([]*job, Step, error) {
	for e.anyReady() {
		jobs := e.compose()
		s := e.stepOf(jobs)
		if ok, err := e.reserve(jobs, s); ok || err != nil {
			return jobs, s, err
		}
		last := e.sched.active[len(e.sched.active)-1]
		all := last.members()
		e.sched.active = e.sched.active[:len(e.sched.active)-len(all)]
		if len(e.sched.active) == 0 {
			e.leave(last, Result{}, fmt.Errorf("engine: %w: the cache has too few pages for one request", ErrTooLong))
			continue
		}
		of := last.request()
		if err := e.releaseAll(last); err != nil {
			of.result <- outcome{err: err}
			continue
		}
		e.sched.waiting, e.sched.short = append([]*job{of}, e.sched.waiting...), true
		e.mu.Lock()
		e.stats.Preempted++
		e.mu.Unlock()
	}
	return nil, Step{}, nil
}

// sort is the sort of a job. Jobs of one sort can share a step.
type sort struct {
	stage            int
	drafted          bool
	proposes, checks bool // real numbers
	pattern          system.Pattern
	before           string // stages of the runs before
}

func (e *Engine) sortOf(j *job) sort {
	before := ""
	for i := range j.run.Before {
		before += fmt.Sprint(j.run.Before[i].Stage, " ")
	}
	return sort{j.run.Stage, e.drafted(j), j.proposes(), j.checks(), j.run.Pattern, before}
}

// turn returns the sort of the next step. Sorts take turns, so that no job waits for
// another sort to end.
func (e *Engine) turn() sort {
	var sorts []sort
	for _, j := range e.sched.active {
		if !j.ready() {
			continue
		}
		if k := e.sortOf(j); !slices.Contains(sorts, k) {
			sorts = append(sorts, k)
		}
	}
	next := (slices.Index(sorts, e.sched.last) + 1) % len(sorts)
	return sorts[next]
}

// compose returns the jobs of the next step, all of one sort. They are every job that
// draws, and prompts up to the budget of rows, the oldest first. Jobs whose groups fill
// attention's tiles stand before the others.
func (e *Engine) compose() (jobs []*job) {
	kind, rows := e.turn(), 0
	e.sched.last = kind
	for _, j := range e.sched.active {
		if !j.ready() || e.sortOf(j) != kind {
			continue
		}
		if j.prompt() {
			n := j.slots() * j.group(e.sys.Layout.Context)
			if rows > 0 && rows+n > e.opts.Rows {
				continue
			}
			rows += n
		}
		jobs = append(jobs, j)
	}
	rest := func(j *job) int { return min(j.group(e.sys.Layout.Context)%sharedRows, 1) }
	slices.SortStableFunc(jobs, func(a, b *job) int { return rest(a) - rest(b) })
	return jobs
}

// stepOf lays out a step of some jobs.
func (e *Engine) stepOf(jobs []*job) Step {
	s := Step{Stage: jobs[0].run.Stage, Times: e.opts.Steps, EveryRow: true, Pattern: jobs[0].run.Pattern}
	if e.drafted(jobs[0]) {
		return e.checkOf(jobs)
	}
	longest := 1
	for _, j := range jobs {
		g := j.group(e.sys.Layout.Context)
		s.Sequences = j.sequences(s.Sequences, g)
		s.EveryRow = s.EveryRow && j.everyRow()
		if _, ok := j.schedule.(system.Confident); ok {
			s.Gaps = true
		}
		longest = max(longest, j.steps(g))
		s.Times = j.stepsLeft(s.Times)
		if j.prompt() { // pieces of a prompt may differ
			longest = 1
			s.Times = 1
		}
	}
	if e.sched.perStep > 0 {
		s.Times = min(s.Times, max(int(submitTime/e.sched.perStep), 1))
	}
	s.Times = min(s.Times, longest)
	if e.dec.refined != nil {
		s.Proposes, s.Relaxed = jobs[0].proposes(), jobs[0].checks()
		for _, j := range jobs {
			s.Passes = max(s.Passes, j.passes(s.Times, e.decoderOf(j).refined.head.Passes()))
		}
	}
	for i, r := range jobs[0].run.Before {
		b := Step{Stage: r.Stage, Times: 1, Pattern: r.Pattern}
		for _, j := range jobs {
			b.Sequences = j.before(b.Sequences, i)
		}
		s.Before = append(s.Before, b)
	}
	return s
}

// checkOf lays out a step that checks the drafted tokens of some jobs.
func (e *Engine) checkOf(jobs []*job) Step {
	s := Step{Stage: jobs[0].run.Stage, Times: 1, EveryRow: true, Relaxed: e.opts.Draft.Relax != nil}
	for _, j := range jobs {
		s.Sequences = j.sequences(s.Sequences, e.opts.Draft.Ahead)
		own := &s.Sequences[len(s.Sequences)-1]
		own.GroupTargets, own.Checks = own.Group, true
	}
	return s
}

// reserve lends the jobs of a step the pages they need. It reports whether there were
// enough.
func (e *Engine) reserve(jobs []*job, s Step) (bool, error) {
	at := 0
	for _, j := range jobs {
		l := s.Sequences[at]
		d := e.decoderOf(j)
		group := d.sys.Layout.StageGroup(j.run.Stage)
		need := j.reach(&j.run, j.number, l.Row, min(l.Row+s.Times*l.Group, l.Rows), d.sys.Layout.Slots(group))
		written := e.written(j, l, s.Times)
		at += j.slots()
		for _, slot := range j.all() {
			if ok, err := d.lend(slot, group, need, written); err != nil || !ok {
				return false, err
			}
			for i := range j.run.Before {
				b := &j.run.Before[i]
				group := d.sys.Layout.StageGroup(b.Stage)
				if ok, err := d.lend(slot, group, j.reach(b, 0, 0, b.N, d.sys.Layout.Slots(group)), slotsOf(b)); err != nil || !ok {
					return false, err
				}
			}
			if j.drafts == nil || e.dec.refined != nil {
				continue
			}
			if ok, err := e.draft.lend(slot, group, need, written); err != nil || !ok {
				return false, err
			}
		}
	}
	e.countPages()
	return true, nil
}

func (e *Engine) count(jobs []*job, times int, elapsed time.Duration, kept int, checks bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Submits++
	e.stats.Steps += int64(times)
	e.stats.Sequences += int64(len(jobs))
	e.stats.Busy += elapsed
	if kept > 0 || checks {
		e.stats.Checked += int64(len(jobs))
		e.stats.Kept += int64(kept)
	}
}

// countPages notes how many pages are lent.
func (e *Engine) countPages() {
	n := e.dec.lent()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Pages, e.stats.MostPages = n, max(e.stats.MostPages, n)
}

// retire settles the jobs that ran. Those that are done leave.
func (e *Engine) retire(ran map[*job]bool, err error) {
	var rest []*job
	for _, j := range e.sched.active {
		if j.left {
			continue
		}
		if !ran[j] {
			rest = append(rest, j)
			continue
		}
		done, res, jerr := e.settle(j, err)
		if done {
			e.leave(j, res, jerr)
		} else {
			rest = append(rest, j)
		}
	}
	e.keep(rest)
}

// settle decides whether a job is done after a step.
func (e *Engine) settle(j *job, err error) (bool, Result, error) {
	if err == nil {
		err = j.ctx.Err()
	}
	if err != nil {
		return true, Result{}, err
	}
	if j.hyp != nil && !j.ended && j.rest() || j.row < j.run.N {
		return false, Result{}, nil
	}
	if !j.ended {
		more, err := e.next(j)
		if more || err != nil {
			return err != nil, Result{}, err
		}
	}
	if j.hyp != nil {
		j.hyp.done = true
		return false, Result{}, nil
	}
	res, err := e.result(j)
	return true, res, err
}
