package gpu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/morton-gen/morton/gpu/vk"
)

// Kernel is a compute shader and its specialization constants. Constant 0 is
// always W, the subgroup width, and also the workgroup's size; Spec are the
// constants 1, 2, ….
type Kernel struct {
	Name  string
	SPIRV []byte
	Spec  []uint32
}

type pipelineCache struct {
	mu    sync.Mutex
	byKey map[string]compiled
	disk  *cacheFile // nil: none
}

type compiled struct {
	spirv    []byte
	pipeline vk.Pipeline
}

// maxSpec is the number of specialization constants the shim passes on, W among them.
const maxSpec = 32

// key identifies a kernel, if no two of a name and length differ: what pipeline
// makes sure of.
func (k *Kernel) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%d", k.Name, len(k.SPIRV))
	for _, s := range k.Spec {
		fmt.Fprintf(&b, "/%d", s)
	}
	return b.String()
}

// check refuses what the driver would crash on.
func (k *Kernel) check() error {
	switch {
	case len(k.SPIRV) < 20 || len(k.SPIRV)%4 != 0 || binary.LittleEndian.Uint32(k.SPIRV) != 0x07230203:
		return fmt.Errorf("gpu: kernel %s: %w: %d bytes are no SPIR-V", k.Name, ErrProgram, len(k.SPIRV))
	case len(k.Spec) >= maxSpec:
		return fmt.Errorf("gpu: kernel %s: %w: %d specialization constants, at most %d", k.Name, ErrProgram, len(k.Spec), maxSpec-1)
	}
	return nil
}

// pipeline returns the kernel compiled for the device, once for each set of
// constants.
func (d *Device) pipeline(k *Kernel) (vk.Pipeline, error) {
	if err := d.enter(); err != nil {
		return 0, err
	}
	defer d.leave()
	d.pipelines.mu.Lock()
	defer d.pipelines.mu.Unlock()
	key := k.key()
	if c, ok := d.pipelines.byKey[key]; ok {
		// This costs less than the copy that embed.FS just made of it.
		if !bytes.Equal(c.spirv, k.SPIRV) {
			return 0, fmt.Errorf("gpu: kernel %s: %w: two kernels of one name differ", k.Name, ErrProgram)
		}
		return c.pipeline, nil
	}
	if err := k.check(); err != nil {
		return 0, err
	}
	p, err := d.compile(k)
	if err != nil {
		return 0, err
	}
	d.pipelines.byKey[key] = compiled{k.SPIRV, p}
	return p, nil
}

func (d *Device) compile(k *Kernel) (vk.Pipeline, error) {
	words := make([]uint32, len(k.SPIRV)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(k.SPIRV[4*i:])
	}
	p, err := d.vk.NewPipeline(vk.Source{SPIRV: words, Spec: append([]uint32{uint32(d.width)}, k.Spec...), Subgroup: d.width})
	return p, pipelineKind(k.Name, err)
}

// pipelineKind is [kind], and [ErrPipeline] for whatever else a driver answers.
func pipelineKind(name string, err error) error {
	if err == nil {
		return nil
	}
	err = kind("gpu: kernel "+name, err)
	if errors.Is(err, ErrOutOfMemory) || errors.Is(err, ErrDeviceLost) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrPipeline, err)
}

func (c *pipelineCache) destroy(v *vk.Device) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.byKey {
		v.DestroyPipeline(p.pipeline)
	}
	c.byKey = nil
	if c.disk != nil {
		_ = c.disk.save(v) // what cannot be kept is made again
	}
}
