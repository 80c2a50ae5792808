package gpu

import "time"

// Hidden returns o for a device whose memory the host cannot see: every transfer
// goes through the staging window, as on most discrete GPUs.
func (o Options) Hidden() Options {
	o.hideMemory = true
	return o
}

// Pieces returns o for arenas of which so many bytes lie in one allocation at most.
func (o Options) Pieces(bytes uint64) Options {
	o.piece = bytes
	return o
}

// Hurried returns o for submits that should last so long.
func (o Options) Hurried(d time.Duration) Options {
	o.hurry = d
	return o
}

// Faulty returns o for a device that gives fault's errors for the driver's, once a
// submit has ended; it is called at each.
func (o Options) Faulty(fault func() error) Options {
	o.fault = fault
	return o
}

// Clockless returns o for a device whose clock is not to be used.
func (o Options) Clockless() Options {
	o.clockless = true
	return o
}

// WindowBytes is the size of one staging window.
const WindowBytes = windowBytes

// Offset is where the tensor starts in its device's address space.
func (t *Tensor) Offset() uint64 { return t.addr() }

// KindOfPipeline is the error of a kernel at which the driver answers so.
func KindOfPipeline(err error) error { return pipelineKind("k", err) }
