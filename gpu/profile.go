package gpu

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/morton-gen/morton/gpu/vk"
)

// KernelTime is what one kernel took, over all its calls of one [Call].Detail.
type KernelTime struct {
	Kernel string        `json:"kernel"`
	Detail string        `json:"detail,omitempty"`
	Calls  int           `json:"calls"`
	Time   time.Duration `json:"time_ns"`
	// Work is of all calls together.
	Work Work `json:"work"`
}

// Span is one call of a kernel, in time since the profile began.
type Span struct {
	Kernel      string
	Detail      string
	Start, Took time.Duration
	Work        Work
}

// maxSpans bounds what a profile keeps: 64 MB. The sums go on beyond it.
const maxSpans = 1 << 20

// Profile collects the times of all operations of a device while it is on. Results
// do not change by a bit; programs run one after another as ever, but a repetition
// a submit, and more slowly.
type Profile struct {
	dev     *Device
	begin   time.Time
	clock   bool                      // by the device's clock; else a submit for each operation
	kernels map[[2]string]*KernelTime // by kernel and detail
	spans   []Span
}

// StartProfile begins one. Errors: [ErrProgram] if one is on, [ErrClosed],
// [ErrDeviceLost].
func (d *Device) StartProfile() (*Profile, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.profile != nil {
		return nil, fmt.Errorf("gpu.StartProfile: %w: one is on", ErrProgram)
	}
	p := &Profile{dev: d, begin: time.Now(), kernels: map[[2]string]*KernelTime{}}
	sane, err := d.clockIsSane()
	if err != nil {
		return nil, err
	}
	p.clock, d.profile = sane, p
	return p, nil
}

// Stop ends it.
func (p *Profile) Stop() {
	p.dev.mu.Lock()
	defer p.dev.mu.Unlock()
	if p.dev.profile == p {
		p.dev.profile = nil
	}
}

// ByClock reports whether times are by the device's clock. Else each operation was
// a submit of its own, whose tens of microseconds are part of each time.
func (p *Profile) ByClock() bool { return p.clock }

// Kernels returns the sums by kernel and detail, the longest first. Call it after Stop.
func (p *Profile) Kernels() []KernelTime {
	var out []KernelTime
	for _, k := range p.kernels {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b KernelTime) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.Kernel, b.Kernel), cmp.Compare(a.Detail, b.Detail))
	})
	return out
}

// Spans returns the first calls, about a million, in order. Call it after Stop.
func (p *Profile) Spans() []Span { return p.spans }

func (p *Profile) add(o *op, work Work, start, took time.Duration) {
	key := [2]string{o.name(), o.detail}
	k := p.kernels[key]
	if k == nil {
		k = &KernelTime{Kernel: key[0], Detail: key[1]}
		p.kernels[key] = k
	}
	k.Calls++
	k.Time += took
	k.Work.Flops += work.Flops
	k.Work.Bytes += work.Bytes
	if len(p.spans) < maxSpans {
		p.spans = append(p.spans, Span{key[0], key[1], start, took, work})
	}
}

// run runs a program once; the caller holds the device's mu.
func (p *Profile) run(prog *Program) error {
	each := 1
	if p.clock {
		each = opsPerProfile
	}
	for i := 0; i < len(prog.ops); {
		ops := prog.ops[i:prog.before(i, each)]
		first, err := prog.recorded[i].done(p.dev)
		if err != nil {
			return err
		}
		start := time.Since(p.begin)
		took, err := p.dev.clocked(ops, prog.push, p.clock)
		if err != nil {
			return err
		}
		for j, t := range took {
			work := first
			if j > 0 {
				work = prog.recorded[i+j].work
			}
			p.add(&prog.recorded[i+j], work, start, t)
			start += t
		}
		i += len(ops)
	}
	return nil
}

// before is the end of at most n operations from one on, none of which but the first
// has a tally: what it counts has to be read before it runs.
func (p *Program) before(from, n int) int {
	to := from + 1
	for to < len(p.ops) && to-from < n && p.recorded[to].tally == nil {
		to++
	}
	return to
}

// done is what an operation that runs next will do.
func (o *op) done(d *Device) (Work, error) {
	if o.tally == nil {
		return o.work, nil
	}
	return o.tally.count(d)
}

// opsPerProfile bounds the clock's readings of one submit.
const opsPerProfile = 256

// clocked runs ops in a submit of their own and returns how long each took; all
// together where there is no clock. The caller holds mu.
func (d *Device) clocked(ops []vk.Op, push []byte, clock bool) ([]time.Duration, error) {
	if !clock {
		took, err := d.timed(ops, push, 0)
		return []time.Duration{took}, err
	}
	q, err := d.vk.NewQueries(len(ops) + 1)
	if err != nil {
		return nil, kind("gpu: profile", err)
	}
	defer d.vk.DestroyQueries(q)
	if _, err := d.timed(ops, push, q); err != nil {
		return nil, err
	}
	ticks := make([]uint64, len(ops)+1)
	if err := d.vk.Timestamps(q, ticks); err != nil {
		return nil, kind("gpu: profile", err)
	}
	return elapsed(ticks, d.vk.Physical.TimestampBits, d.vk.Physical.TimestampNanos), nil
}

// elapsed turns readings of a clock of so many bits into times between them.
func elapsed(ticks []uint64, bits int, nanos float32) []time.Duration {
	out := make([]time.Duration, len(ticks)-1)
	mask := ^uint64(0) >> (64 - min(max(bits, 1), 64))
	for i := range out {
		out[i] = time.Duration(float64((ticks[i+1]-ticks[i])&mask) * float64(nanos))
	}
	return out
}

// clockIsSane compares the device's clock with the host's over some fills.
func (d *Device) clockIsSane() (bool, error) {
	if d.vk.Physical.TimestampBits == 0 || d.opts.clockless {
		return false, nil
	}
	r, err := d.heap.alloc(1 << 20)
	if err != nil {
		return false, err
	}
	defer d.heap.release(r)
	ops := make([]vk.Op, 16)
	for i := range ops {
		ops[i] = vk.Op{Kind: vk.Fill, Barrier: 1, Dst: r.block.Buffer, DstOffset: r.off, Bytes: r.size}
	}
	begin := time.Now()
	took, err := d.clocked(ops, nil, true)
	if err != nil {
		return false, err
	}
	return plausible(took, time.Since(begin)), nil
}

// plausible reports whether operations of equal work may have taken so long within
// a time by the host's clock: none took all of it, and together they took some.
func plausible(took []time.Duration, host time.Duration) bool {
	var sum time.Duration
	for _, t := range took {
		if t < 0 || t > host {
			return false
		}
		sum += t
	}
	return sum > 0 && sum <= host
}

func (o *op) name() string {
	switch o.kind {
	case vk.Fill:
		return "fill"
	case vk.Copy:
		return "copy"
	}
	return o.kernel.Name
}

// timed runs ops in a submit of their own and returns how long it took by the
// host's clock; queries, unless 0, take the device's.
func (d *Device) timed(ops []vk.Op, push []byte, queries vk.Queries) (time.Duration, error) {
	c, err := d.vk.RecordTimed(ops, push, queries)
	if err != nil {
		return 0, kind("gpu: record", err)
	}
	defer d.vk.FreeCommands(c)
	begin := time.Now()
	err = d.run([]vk.Commands{c})
	return time.Since(begin), err
}
