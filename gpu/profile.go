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
// microseconds, is part of each.
func (p *Program) Profile() ([]KernelTime, error) {
	by := map[string]*KernelTime{}
	for i := range p.ops {
		c, err := p.dev.vk.Record(p.ops[i:i+1], p.push)
		if err != nil {
			return nil, kind("gpu.Profile", err)
		}
		begin := time.Now()
		err = p.dev.run([]vk.Commands{c})
		took := time.Since(begin)
		p.dev.vk.FreeCommands(c)
		if err != nil {
			return nil, err
		}
		k := by[p.names[i]]
		if k == nil {
			k = &KernelTime{Kernel: p.names[i]}
			by[p.names[i]] = k
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
