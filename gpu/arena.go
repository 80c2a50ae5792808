package gpu

import "fmt"

// Arena is memory for the temporaries of several programs. A device runs one program at
// a time, and temporaries do not outlive a run, so all of them may lie in the same bytes.
type Arena struct {
	dev  *Device
	sets [][]*region // each for a whole program; guarded by dev.mu
}

// NewArena returns an arena of so many bytes; 0 makes it as large as its first program
// wants. A program that wants more than there is adds what it wants: the programs before
// it stay where they are. The error wraps [ErrOutOfMemory] or [ErrClosed].
func (d *Device) NewArena(bytes uint64) (*Arena, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	a := &Arena{dev: d}
	if bytes == 0 {
		return a, nil
	}
	_, err := a.take(bytes)
	return a, err
}

// Share has the program keep its temporaries in an arena. Free the arena after it.
func (r *Recorder) Share(a *Arena) { r.arena = a }

// take returns regions of at least so many bytes together, see heap.pieces.
func (a *Arena) take(bytes uint64) ([]*region, error) {
	a.dev.mu.Lock()
	defer a.dev.mu.Unlock()
	for _, set := range a.sets {
		if sizeOf(set) >= bytes {
			return set, nil
		}
	}
	set, err := a.dev.heap.pieces(bytes)
	if err != nil {
		return nil, fmt.Errorf("gpu.Arena: %w", err)
	}
	a.sets = append(a.sets, set)
	return set, nil
}

func sizeOf(set []*region) (n uint64) {
	for _, r := range set {
		n += r.size
	}
	return n
}

// Bytes returns the memory that the arena has.
func (a *Arena) Bytes() (n uint64) {
	a.dev.mu.Lock()
	defer a.dev.mu.Unlock()
	for _, set := range a.sets {
		n += sizeOf(set)
	}
	return n
}

// Free gives the memory back. The programs that share it must not run afterwards.
func (a *Arena) Free() {
	if a == nil || a.dev.enter() != nil {
		return // Close freed it
	}
	defer a.dev.leave()
	a.dev.mu.Lock()
	defer a.dev.mu.Unlock()
	for _, set := range a.sets {
		a.dev.heap.releaseAll(set)
	}
	a.sets = nil
}
