package gpu

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/morton-gen/morton/gpu/vk"
)

// Options select and configure a device. The zero value takes the best device.
type Options struct {
	// Device is "auto" or "" for the best device (a discrete GPU, an integrated
	// one, then one on the CPU), a number of the list [List] returns, or part of
	// a device's name.
	Device string
	// MemoryLimit bounds what tensors and programs may take, in bytes; 0 means
	// what the driver reports as available. Memory is taken in blocks of 64 MiB
	// while there is room. 16 MiB of host memory, for devices whose memory the
	// host cannot see, come on top.
	MemoryLimit uint64
	// Width is the subgroup width of every kernel: 4, 8, 16, 32 or 64; 0 is what
	// MORTON_SUBGROUP says, or else the device's own. Results differ by rounding
	// between widths, never within one. A device that does not offer it is passed
	// over. lavapipe offers one, which the first use of Vulkan in a process fixes:
	// see [AllowEnvironment].
	Width int
	// Widest takes the widest subgroups that this machine's registers hold, where
	// neither Width nor MORTON_SUBGROUP names a width: 16 lanes on lavapipe with
	// AVX-512, else the device's own.
	Widest bool
	// Threads is how many a device on the CPU (lavapipe) runs an operation on; 0 is
	// what LP_NUM_THREADS says, or else one if Grain is short, or else all there are.
	// No result depends on it. It has an effect after [AllowEnvironment] only.
	Threads int
	// Grain is the floating-point operations that one dispatch of the programs to
	// come does as a rule; 0 if that is unknown.
	Grain int64
	// Validation loads the Khronos validation layer; see [Device.Validation].
	Validation bool
	// BarrierAll places a barrier before every operation. Results must not
	// change by a bit; it exists to find a missing dependency.
	BarrierAll bool
	// Guard keeps a pattern around every tensor and arena, which
	// [Device.CheckGuards] looks at; the host must see the device's memory.
	Guard bool
	// Robust asks the driver for bounds checks where it has them.
	Robust bool

	hideMemory bool          // tests: act as if the host could not see the device's memory
	piece      uint64        // tests: the most bytes of an arena that lie in one allocation
	fault      func() error  // tests: what the driver answers to a wait, after what it did
	hurry      time.Duration // tests: for submitTarget
	clockless  bool          // tests: act as if the device had no clock
}

// Device is an open Vulkan compute device.
type Device struct {
	*opened

	opts  Options
	info  Info
	heap  heap
	width int // subgroup width every kernel runs at

	// Whatever touches Vulkan holds life for reading; Close takes it for writing.
	life   sync.RWMutex
	closed bool

	// What mu guards besides the driver's queue.
	lost    bool
	fence   vk.Fence
	staging staging
	profile *Profile // nil: none is on
}

// opened is what a device shares with its clones.
type opened struct {
	instance  *vk.Instance
	vk        *vk.Device
	pipelines pipelineCache
	users     atomic.Int32 // devices that are open
	mu        sync.Mutex   // guards the queue: runs and their fences
}

// Open opens a device. Errors: [ErrNoDevice], [ErrUnsupported] for a device
// named in opts that lacks a feature, for a width there is not, or for a missing
// validation layer.
func Open(opts Options) (*Device, error) {
	width, err := wantedWidth(opts)
	if err != nil {
		return nil, err
	}
	threads := threadsFor(opts)
	lanes := width
	if width == 0 && opts.Widest && wideCPU() {
		lanes = wideLanes
	}
	in, ps, err := load(opts.Validation, lanes, threads)
	if err != nil {
		return nil, err
	}
	d, err := open(in, ps, opts, width, threads)
	if err != nil {
		in.Close()
		return nil, err
	}
	return d, nil
}

func open(in *vk.Instance, ps []*vk.Physical, opts Options, width, threads int) (*Device, error) {
	i, err := choose(ps, opts.Device, width)
	if err != nil {
		return nil, err
	}
	p := ps[i]
	v, err := p.Open(opts.Robust)
	if err != nil {
		return nil, kind("gpu.Open: "+p.Name, err)
	}
	d := &Device{opened: &opened{instance: in, vk: v}, opts: opts, info: describe(i, p, width, threads), width: chooseWidth(p, width)}
	d.pipelines.byKey, d.pipelines.disk = map[string]compiled{}, openCache(v)
	if err := d.begin(); err != nil {
		v.Close()
		return nil, err
	}
	return d, nil
}

// begin makes what the device shares with none.
func (d *Device) begin() (err error) {
	if d.fence, err = d.vk.NewFence(); err != nil {
		return kind("gpu.Open: "+d.info.Name, err)
	}
	if err := d.heap.init(d); err != nil {
		d.vk.DestroyFence(d.fence)
		return err
	}
	d.users.Add(1)
	return nil
}

// Clone opens the device once more, with memory of its own. Both share the driver's
// queue, on which programs run one after another, and the kernels, which are compiled
// once. What opts say of the driver's device stays as it is: only MemoryLimit, BarrierAll
// and Guard are new. The commands of programs that nobody freed stay until the last clone
// is closed. Errors: [ErrClosed], and those of [Open].
func (d *Device) Clone(opts Options) (*Device, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	c := &Device{opened: d.opened, opts: opts, info: d.info, width: d.width}
	if err := c.begin(); err != nil {
		return nil, err
	}
	return c, nil
}

// Info describes the device.
func (d *Device) Info() Info { return d.info }

// SubgroupWidth returns W, the number of lanes every kernel runs with.
func (d *Device) SubgroupWidth() int { return d.width }

// OnCPU reports whether the device is a CPU (Mesa's lavapipe), whose kernels
// want other shapes than a GPU's.
func (d *Device) OnCPU() bool { return d.vk.Physical.Type == vk.CPU }

// Validation returns the number of validation messages since the last call and
// the text of the first; 0 unless opened with Options.Validation. All devices of
// the process share one list. It may be called after Close, which is when
// objects nobody freed are reported.
func (d *Device) Validation() (int, string) { return vk.TakeMessages() }

// Close waits for running programs and frees everything the device holds, its
// tensors and programs with it. Their later use gives [ErrClosed].
func (d *Device) Close() {
	d.life.Lock()
	defer d.life.Unlock()
	if d.closed {
		return
	}
	d.closed = true
	d.staging.destroy(d)
	d.vk.DestroyFence(d.fence)
	d.heap.destroy()
	if d.users.Add(-1) > 0 {
		return
	}
	d.pipelines.destroy(d.vk)
	d.vk.Close()
	d.instance.Close()
}

// enter keeps the device open until leave. It is not to be nested: a waiting
// Close would stop the inner one.
func (d *Device) enter() error {
	d.life.RLock()
	if d.closed {
		d.life.RUnlock()
		return fmt.Errorf("gpu: %s: %w", d.info.Name, ErrClosed)
	}
	return nil
}

func (d *Device) leave() { d.life.RUnlock() }
