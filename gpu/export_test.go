package gpu

// Hidden returns o for a device whose memory the host cannot see: every transfer
// goes through the staging window, as on most discrete GPUs.
func (o Options) Hidden() Options {
	o.hideMemory = true
	return o
}

// WindowBytes is the size of one staging window.
const WindowBytes = windowBytes

// Offset is where the tensor starts in its device's address space.
func (t *Tensor) Offset() uint64 { return t.addr() }
