package gpu

import (
	"encoding/binary"
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
	byKey map[string]vk.Pipeline
}

// key identifies a kernel: SPIR-V is embedded once per binary, so its address
// would do, but the name and length also survive a copy.
func (k *Kernel) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%d", k.Name, len(k.SPIRV))
	for _, s := range k.Spec {
		fmt.Fprintf(&b, "/%d", s)
	}
	return b.String()
}

func (d *Device) pipeline(k *Kernel) (vk.Pipeline, error) {
	d.pipelines.mu.Lock()
	defer d.pipelines.mu.Unlock()
	key := k.key()
	if p, ok := d.pipelines.byKey[key]; ok {
		return p, nil
	}
	if len(k.SPIRV) < 20 || len(k.SPIRV)%4 != 0 {
		return 0, fmt.Errorf("gpu: kernel %s: %w: %d bytes are no SPIR-V", k.Name, ErrProgram, len(k.SPIRV))
	}
	words := make([]uint32, len(k.SPIRV)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(k.SPIRV[4*i:])
	}
	spec := append([]uint32{uint32(d.width)}, k.Spec...)
	p, err := d.vk.NewPipeline(words, spec, d.width)
	if err != nil {
		return 0, kind("gpu: kernel "+k.Name, err)
	}
	d.pipelines.byKey[key] = p
	return p, nil
}

func (c *pipelineCache) destroy(v *vk.Device) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.byKey {
		v.DestroyPipeline(p)
	}
	c.byKey = nil
}
