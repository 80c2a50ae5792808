package gpu

import (
	"fmt"

	"github.com/morton-gen/morton/gpu/vk"
)

// CoopMatrix is the shape of the cooperative matrices that kernels use on a
// device: a subgroup computes C[M, N] += A[M, K]·B[K, N] at once, of A and B in
// f16 and C in f32. The zero value means there are none.
type CoopMatrix struct {
	M int `json:"m"`
	N int `json:"n"`
	K int `json:"k"`
}

func (c CoopMatrix) String() string { return fmt.Sprintf("%dx%dx%d", c.M, c.N, c.K) }

// What the kernels that use cooperative matrices rely on: bytes of shared memory in
// a workgroup, a multiple of every shape's extents, and a divisor, which keeps the
// matrices that are loaded at 16 bytes.
const (
	coopShared   = 32 << 10
	coopMultiple = 32
	coopDivisor  = 8
)

// CoopMatrix returns the shape of the device's cooperative matrices, or an
// [UnsupportedError] that names what it lacks.
func (d *Device) CoopMatrix() (CoopMatrix, error) {
	c, lacks := coopMatrix(d.vk.Physical)
	if lacks != "" {
		return c, &UnsupportedError{Device: d.info.Name, Feature: lacks}
	}
	return c, nil
}

// coopMatrix picks the largest shape up to 16x16, past which a subgroup's registers
// run short, or names the first thing that lacks. Like the width it is a rule of
// what the device says, since sums are added in its order.
func coopMatrix(p *vk.Physical) (best CoopMatrix, lacks string) {
	switch {
	case !p.CoopMatrix:
		return best, "VK_KHR_cooperative_matrix"
	case !p.VulkanMemoryModel:
		return best, "vulkanMemoryModel"
	case !p.Float16:
		return best, "shaderFloat16"
	case p.MaxShared < coopShared:
		return best, fmt.Sprintf("%d bytes of shared memory (it has %d)", coopShared, p.MaxShared)
	}
	for _, s := range p.CoopShapes {
		if usable(s) && s.M*s.N*s.K > best.M*best.N*best.K {
			best = CoopMatrix{s.M, s.N, s.K}
		}
	}
	if best == (CoopMatrix{}) {
		lacks = fmt.Sprintf("cooperative matrices of f16 with f32 sums up to 16x16 (it lists %d shapes)", len(p.CoopShapes))
	}
	return best, lacks
}

func usable(s vk.CoopShape) bool {
	for _, x := range []int{s.M, s.N, s.K} {
		if x < 1 || x%coopDivisor != 0 || coopMultiple%x != 0 {
			return false
		}
	}
	return s.M <= 16 && s.N <= 16 && s.Scope == vk.SubgroupScope && !s.Saturating &&
		s.A == vk.Float16 && s.B == vk.Float16 && s.C == vk.Float32 && s.Result == vk.Float32
}
