package engine

import (
	"iter"
	"slices"

	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/models/system"
)

// prefix is what a request has read before it draws. Requests of one prefix read it once:
// the first reads, and others follow it and then share its pages. Which rows are equal is
// seen from the rows themselves.
type prefix struct {
	runs   []system.Run  // those loaded so far, while all are prompts
	drafts []system.Rows // the draft's rows of each
	open   bool          // no other run has come yet
	kept   bool          // no later run replaces the keys of these
	leader *job          // reads the last run for this job too; nil without
}

// ready reports whether the job can be part of a step.
func (j *job) ready() bool { return j.prefix.leader == nil && !j.resting() }

// hasRead reports whether the job has read the first n runs of its prefix.
func (j *job) hasRead(n int) bool {
	p := &j.prefix
	return len(p.runs) > n || len(p.runs) == n && (!p.open || j.row >= j.run.N)
}

// extendPrefix notes the run that a job has loaded. If the prefix goes on, another job may
// read it for this one.
func (e *Engine) extendPrefix(j *job, drafts system.Rows) {
	p := &j.prefix
	if len(p.runs) > 0 {
		p.kept = p.kept && (j.run.Slot == nil && j.number+j.run.N <= e.sys.Layout.Context || e.leavesAlone(&j.run, p.runs))
	}
	if p.open = p.open && j.prompt(); p.open {
		p.runs, p.drafts = append(p.runs, j.run), append(p.drafts, drafts)
		p.leader = e.leaderOf(j)
	}
}

// leavesAlone reports whether a run, and those before it, write to no group of the cache in
// which the others lie.
func (e *Engine) leavesAlone(r *system.Run, others []system.Run) bool {
	l := &e.sys.Layout
	for _, x := range r.Each() {
		if slices.ContainsFunc(others, func(y system.Run) bool { return l.StageGroup(x.Stage) == l.StageGroup(y.Stage) }) {
			return false
		}
	}
	return true
}

// leastShared is the number of rows from which a prefix is shared: those of a page. All
// pages of a shorter one would be copied, and reading it takes one piece.
const leastShared = attention.MinPage

// leaderOf returns the job that reads a job's prefix, or that has read it and still holds
// it; nil without. Leaders came before those that follow them.
func (e *Engine) leaderOf(j *job) *job {
	if e.opts.Apart || j.number+j.run.N < leastShared {
		return nil
	}
	for _, k := range e.sched.active {
		if k == j {
			break
		}
		if !k.left && k.prefix.leader == nil && k.leads(j) {
			return k
		}
	}
	return nil
}

// leads reports whether a job's cache will hold, or holds, the prefix of another.
func (j *job) leads(o *job) bool {
	p, n := &j.prefix, len(o.prefix.runs)
	if len(p.runs) < n || !(p.kept || p.open && len(p.runs) == n) {
		return false
	}
	if j.slots() != o.slots() || j.req.Sinks != o.req.Sinks || (j.drafts == nil) != (o.drafts == nil) || !slices.Equal(j.req.Tokens, o.req.Tokens) {
		return false
	}
	for i := range n {
		if !sameRun(&p.runs[i], &o.prefix.runs[i]) || !sameRows(&p.drafts[i], &o.prefix.drafts[i]) {
			return false
		}
	}
	return true
}

// sameRun reports whether two prompts are read alike.
func sameRun(a, b *system.Run) bool {
	if a.Stage != b.Stage || a.Group != b.Group {
		return false
	}
	for i := range 2 + max(len(a.Further), len(b.Further)) {
		if !sameRows(a.Branch(i), b.Branch(i)) {
			return false
		}
	}
	return true
}

func sameRows(a, b *system.Rows) bool {
	return a.N == b.N && slices.Equal(a.Fixed, b.Fixed) && slices.Equal(a.Inputs, b.Inputs) && slices.Equal(a.Axes, b.Axes) &&
		slices.Equal(a.KVLen, b.KVLen) && slices.Equal(a.Ranges, b.Ranges) && (a.Slot == nil) == (b.Slot == nil) && slices.Equal(a.Slot, b.Slot) &&
		slices.Equal(a.Recall, b.Recall) && slices.Equal(a.Features, b.Features)
}

// adopt gives a job the pages of the leader that has read its prefix.
func (e *Engine) adopt(j *job) error {
	k := j.prefix.leader
	j.prefix.leader = nil
	l, at := &e.sys.Layout, 0
	reach := make([]int, l.Groups())
	for i := range j.prefix.runs {
		r := &j.prefix.runs[i]
		group := l.StageGroup(r.Stage)
		reach[group] = max(reach[group], j.reach(r, at, 0, r.N, l.Slots(group)))
		at += r.N
	}
	leader := k.all()
	for i, slot := range j.all() {
		if err := e.dec.Share(slot, leader[i], reach...); err != nil {
			return err
		}
		if j.drafts == nil {
			continue
		}
		if err := e.draft.Share(slot, leader[i], reach...); err != nil {
			return err
		}
	}
	j.row = j.run.N
	e.mu.Lock()
	e.stats.Shared += int64(j.run.N * j.slots())
	e.mu.Unlock()
	return nil
}

// adoptAll gives pages to the jobs whose leaders have read. It comes before a step, so no
// leader has written behind the prefix yet, or its prefix is kept.
func (e *Engine) adoptAll() {
	var rest []*job
	for _, j := range e.sched.active {
		if !j.left && e.follow(j) {
			rest = append(rest, j)
		}
	}
	e.keep(rest)
}

// follow moves a job on as far as leaders have read for it. It returns false if the job
// has left.
func (e *Engine) follow(j *job) bool {
	for !j.resting() && (j.row >= j.run.N || j.prefix.leader != nil && j.prefix.leader.hasRead(len(j.prefix.runs))) {
		var err error
		if j.prefix.leader != nil {
			err = e.adopt(j)
		}
		if done, res, err := e.settle(j, err); done {
			e.leave(j, res, err)
			return false
		}
	}
	return true
}

// orphan ends what others expect of a job that leaves. Those whose prefix it has read get
// their pages now. The others look for another leader, or read by themselves.
func (e *Engine) orphan(leader *job) {
	for _, j := range e.sched.active {
		if j.prefix.leader != leader {
			continue
		}
		if !leader.hasRead(len(j.prefix.runs)) || e.adopt(j) != nil {
			j.prefix.leader = e.leaderOf(j)
		}
	}
}

// reach returns one past the highest cache slot that rows [from, to) of a run are written
// to. The run's first row has the given number.
func (j *job) reach(r *system.Run, number, from, to, context int) int {
	if r.Slot == nil {
		return min(number+to, context)
	}
	most := int32(-1)
	for _, s := range r.Slot[from:to] {
		most = max(most, s)
	}
	return min(int(most)+1, context)
}

// written yields the cache slots that a job's steps write to.
func (e *Engine) written(j *job, l step.Sequence, times int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := l.Row; i < min(l.Row+times*l.Group, l.Rows); i++ {
			at := place(j.number+i, e.sys.Layout.Context, j.req.Sinks)
			if j.run.Slot != nil {
				at = int(j.run.Slot[i])
			}
			if at >= 0 && !yield(at) {
				return
			}
		}
	}
}

// slotsOf yields the cache slots that a run names.
func slotsOf(r *system.Run) iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, at := range r.Slot {
			if at >= 0 && !yield(int(at)) {
				return
			}
		}
	}
}
