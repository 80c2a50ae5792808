package gpu

import (
	"sort"
	"time"

	"github.com/morton-gen/morton/gpu/vk"
)

// KernelTime is the share of one kernel in a program's time.
type KernelTime struct {
	Kernel string        `json:"kernel"`
	Calls  int           `json:"calls"`
	Time   time.Duration `json:"time"`
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

// Profile runs the program once, every operation in a submit of its own, and
// returns the time by kernel, longest first. The time of a submit, tens of
// microseconds, is part of each. Errors are those of [Program.Run].
func (p *Program) Profile() ([]KernelTime, error) {
	if err := p.dev.enter(); err != nil {
		return nil, err
	}
	defer p.dev.leave()
	p.dev.mu.Lock()
	defer p.dev.mu.Unlock()
	if err := p.alive("gpu.Profile"); err != nil {
		return nil, err
	}
	by := map[string]*KernelTime{}
	for i := range p.ops {
		took, err := p.dev.timed(p.ops[i:i+1], p.push)
		if err != nil {
			return nil, err
		}
		name := p.recorded[i].name()
		k := by[name]
		if k == nil {
			k = &KernelTime{Kernel: name}
			by[name] = k
		}
		k.Calls++
		k.Time += took
	}
	var out []KernelTime
	for _, k := range by {
		out = append(out, *k)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Time > out[j].Time })
	return out, nil
}

// timed runs ops in a submit of their own and returns how long it took.
func (d *Device) timed(ops []vk.Op, push []byte) (time.Duration, error) {
	c, err := d.vk.Record(ops, push)
	if err != nil {
		return 0, kind("gpu: record", err)
	}
	defer d.vk.FreeCommands(c)
	begin := time.Now()
	err = d.run([]vk.Commands{c})
	return time.Since(begin), err
}
