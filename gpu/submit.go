package gpu

import (
	"errors"
	"fmt"
	"time"

	"github.com/morton-gen/morton/gpu/vk"
)

// runTimeout bounds the wait for one submit. Submits are kept far shorter; a
// device that has not answered by then never will.
const runTimeout = 10 * time.Minute

// run submits commands and waits for them; the caller holds d.mu.
func (d *Device) run(cmds []vk.Commands) error {
	if err := d.submit(cmds, d.fence); err != nil {
		return err
	}
	return d.wait(d.fence)
}

// submit starts commands; the caller holds d.mu.
func (d *Device) submit(cmds []vk.Commands, f vk.Fence) error {
	if d.lost {
		return fmt.Errorf("gpu: %w", ErrDeviceLost)
	}
	return d.classify(d.vk.Submit(cmds, f))
}

// wait waits for a submit; the caller holds d.mu.
func (d *Device) wait(f vk.Fence) error {
	err := d.vk.Wait(f, runTimeout)
	if err == nil && d.opts.fault != nil {
		err = d.opts.fault()
	}
	return d.classify(err)
}

// classify maps a driver's error to ours and records device loss.
func (d *Device) classify(err error) error {
	if err == nil {
		return nil
	}
	err = kind("gpu: run", err)
	d.lost = d.lost || errors.Is(err, ErrDeviceLost)
	return err
}
