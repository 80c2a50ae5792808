package family

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/morton-gen/morton/gpu"
)

// A runner sets up a stage once per concurrent bundle and may never tear it down
// (Beam issue 31381). So models belong to the process, and stages lease them.
var (
	// OpenDevice opens the devices of models and commands. Tests replace it to share one
	// device, with its compiled kernels.
	OpenDevice = gpu.Open

	tableMu sync.Mutex // held while a model opens, since two at once would compete for memory
	entries = map[Spec]*entry{}
	devices = map[deviceKey]*sharedDevice{}
)

type deviceKey struct {
	device string
	memory uint64
	width  int
}

type entry struct {
	leases int
	model  Model         // nil until first use
	device *sharedDevice // nil if the model uses none
}

type sharedDevice struct {
	key   deviceKey
	users int
	dev   *gpu.Device
}

// Lease is a claim on a model. It is safe for concurrent use.
type Lease struct {
	spec    Spec
	release sync.Once
}

// Acquire returns a lease on the model of a spec, without opening it.
func Acquire(s Spec) *Lease {
	tableMu.Lock()
	defer tableMu.Unlock()
	e := entries[s]
	if e == nil {
		e = &entry{}
		entries[s] = e
	}
	e.leases++
	return &Lease{spec: s}
}

// Model returns the model and opens it on first use. The errors are the
// opener's and OpenDevice's. A failed opening is retried at the next call.
func (l *Lease) Model() (Model, error) {
	tableMu.Lock()
	defer tableMu.Unlock()
	e := entries[l.spec]
	if e.model != nil {
		return e.model, nil
	}
	return e.open(l.spec)
}

// Renew replaces a model that has stopped working, such as on a lost device,
// unless another goroutine has done so.
func (l *Lease) Renew(broken Model) (Model, error) {
	tableMu.Lock()
	defer tableMu.Unlock()
	e := entries[l.spec]
	if e.model != nil && e.model != broken {
		return e.model, nil
	}
	// Later openings must not share the broken device. Other models on it will
	// detect that themselves.
	if e.device != nil {
		delete(devices, e.device.key)
	}
	e.shut()
	return e.open(l.spec)
}

// Release releases the lease; the last one closes the model. It may be called
// more than once.
func (l *Lease) Release() {
	l.release.Do(func() {
		tableMu.Lock()
		defer tableMu.Unlock()
		e := entries[l.spec]
		if e.leases--; e.leases == 0 {
			e.shut()
			delete(entries, l.spec)
		}
	})
}

func (e *entry) open(s Spec) (Model, error) {
	open, err := opener(s.Family)
	if err != nil {
		return nil, err
	}
	if s, err = s.here(); err != nil {
		return nil, err
	}
	begun, before := time.Now(), allocated()
	m, err := open(func() (*gpu.Device, error) { return e.useDevice(s) }, s)
	if err != nil {
		e.leaveDevice()
		return nil, err
	}
	e.model = m
	loads = append(loads, Load{time.Since(begun), max(allocated(), before) - before})
	return m, nil
}

// Load is what opening a model took: time, and bytes of device memory.
type Load struct {
	Took  time.Duration
	Bytes uint64
}

var loads []Load // that nobody has taken

// TakeLoads returns what opening models took in this process since it was last called.
func TakeLoads() []Load {
	tableMu.Lock()
	defer tableMu.Unlock()
	all := loads
	loads = nil
	return all
}

// DeviceMemory returns the bytes that this process's models have on devices. While a model
// opens it is what it was.
func DeviceMemory() uint64 {
	if tableMu.TryLock() {
		lastMemory.Store(allocated())
		tableMu.Unlock()
	}
	return lastMemory.Load()
}

var lastMemory atomic.Uint64

// allocated sums the memory of the open devices. The caller holds tableMu.
func allocated() (bytes uint64) {
	for _, d := range devices {
		bytes += d.dev.Used()
	}
	return bytes
}

func (e *entry) shut() {
	if e.model == nil {
		return
	}
	e.model.Close()
	e.model = nil
	e.leaveDevice()
}

func (e *entry) useDevice(s Spec) (*gpu.Device, error) {
	if e.device != nil {
		return e.device.dev, nil
	}
	key := deviceKey{s.Device, s.Memory, s.Width}
	d := devices[key]
	if d == nil {
		dev, err := OpenDevice(s.device())
		if err != nil {
			return nil, err
		}
		d = &sharedDevice{key: key, dev: dev}
		devices[key] = d
	}
	d.users++
	e.device = d
	return d.dev, nil
}

func (e *entry) leaveDevice() {
	d := e.device
	if d == nil {
		return
	}
	e.device = nil
	if d.users--; d.users > 0 {
		return
	}
	d.dev.Close()
	if devices[d.key] == d {
		delete(devices, d.key)
	}
}
