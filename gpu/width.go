package gpu

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sys/cpu"

	"github.com/morton-gen/morton/gpu/vk"
)

// A subgroup's width decides in which order sums are added, so tokens depend on it. So a
// device is opened at its own width by default, even if another is faster. A choice by
// measurement could change with noise, or with a lost record, and then the tokens of a
// machine would change from one day to the next. A number asks for another.

// wideLanes of f32 fill a register of 512 bits.
const wideLanes = 16

// wideCPU reports whether the processor has registers of 512 bits. Without them lavapipe
// builds each vector of 16 lanes from two registers of half as many. The tests of a
// package that took 5 minutes at 8 lanes did not end in 7 more at 16 (AMD EPYC with
// AVX2, Mesa 25.0.7).
func wideCPU() bool {
	return cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW
}

// FewRegisters reports whether kernels run on a processor that has 16 vector registers
// for vectors of the device's width, which is x86 without AVX-512. Kernels that have the
// choice walk their tiles by it: a rule, and not a measurement. No bit depends on it.
func (d *Device) FewRegisters() bool {
	return d.OnCPU() && d.width < wideLanes && runtime.GOARCH == "amd64" && !wideCPU()
}

// Widths returns the subgroup widths that are worth testing on this machine. A device
// on the CPU has its own and, on processors with registers of 512 bits, 16 lanes.
// Another width of it runs only if a person asks by number.
func (i *Info) Widths() []int {
	if !i.OnCPU() {
		return []int{i.Width}
	}
	if i.Width != wideLanes && wideCPU() && i.Fault(wideLanes) == "" {
		return []int{i.Width, wideLanes}
	}
	return []int{i.Width}
}

// widths are those kernels are compiled for, in the order of preference after the
// device's own.
var widths = []int{32, 16, 8, 64, 4}

// wantedWidth returns Options.Width, else MORTON_SUBGROUP, and 0 for the device's own.
func wantedWidth(o Options) (int, error) {
	text := os.Getenv("MORTON_SUBGROUP")
	switch {
	case o.Width > 0:
		text = strconv.Itoa(o.Width)
	case text == "" || text == "auto":
		return 0, nil
	}
	for _, w := range widths {
		if strconv.Itoa(w) == text {
			return w, nil
		}
	}
	return 0, fmt.Errorf("gpu: %w: a subgroup width of %q: it is auto, 4, 8, 16, 32 or 64", ErrUnsupported, text)
}

// chooseWidth returns the subgroup width kernels run at, 0 if none fits. want is 0
// for the device's own.
func chooseWidth(p *vk.Physical, want int) int {
	list := append([]int{p.SubgroupSize}, widths...)
	if want != 0 {
		list = []int{want}
	}
	for _, w := range list {
		ok := w == 4 || w == 8 || w == 16 || w == 32 || w == 64
		if ok && w >= p.SubgroupMin && w <= p.SubgroupMax {
			return w
		}
	}
	return 0
}

var presetOnce sync.Once

// presetWidth sets lavapipe's only width. The driver reads it from
// LP_NATIVE_VECTOR_WIDTH once, when the process makes its first instance. Later calls,
// and a variable set by the user, change nothing, and a device of another width is
// passed over with its reason. Other drivers do not read the variable. Mesa's shader
// cache confuses the code of different widths, so each width has its own folder.
func presetWidth(want int) {
	if !environmentAllowed.Load() {
		return
	}
	presetOnce.Do(func() {
		if want != 4 && want != 8 && want != 16 || os.Getenv("LP_NATIVE_VECTOR_WIDTH") != "" {
			return
		}
		base := os.Getenv("MESA_SHADER_CACHE_DIR")
		if user, err := os.UserCacheDir(); base == "" && err == nil {
			base = filepath.Join(user, "mesa_shader_cache")
		}
		if base == "" {
			return // no place to keep them apart
		}
		// Setenv fails for names with = or NUL only.
		_ = os.Setenv("LP_NATIVE_VECTOR_WIDTH", strconv.Itoa(32*want))
		_ = os.Setenv("MESA_SHADER_CACHE_DIR", filepath.Join(base, "w"+strconv.Itoa(want)))
	})
}
