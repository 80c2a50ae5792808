package gpu

import (
	"time"

	"github.com/morton-gen/morton/gpu/vk"
)

// Repeat is a program and how often it runs.
type Repeat struct {
	Program *Program
	N       int
}

// Run runs programs one after the other and waits once: in one submit, where they have
// run before and what they take together is short. Each sees what those before it wrote.
// Errors are those of [Program.Run].
func (d *Device) Run(list ...Repeat) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range list {
		if err := r.Program.alive("gpu.Run"); err != nil {
			return err
		}
	}
	cmds, ok := d.together(list)
	if ok {
		return d.run(cmds)
	}
	for _, r := range list {
		if err := r.Program.runLocked(r.N); err != nil {
			return err
		}
	}
	return nil
}

// together returns the commands of all runs, and false if one submit of them could be
// too long, or its length is not known.
func (d *Device) together(list []Repeat) (cmds []vk.Commands, ok bool) {
	var sum time.Duration
	for _, r := range list {
		p := &r.Program.pace
		if d.profile != nil || p.each <= 0 || p.ran < 2*len(r.Program.cmds) {
			return nil, false
		}
		sum += p.each * time.Duration(r.N*len(r.Program.cmds))
		for range r.N {
			cmds = append(cmds, r.Program.cmds...)
		}
	}
	return cmds, sum <= d.target() && len(cmds) > 0
}
