package matmul

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// coop returns the kernel of cooperative matrices if a asks for it and may have it.
// The answer depends on no extent of the product, so that what a program computes
// does not depend on how many rows it takes.
func coop(a *Args, dev *gpu.Device, onCPU bool) (k kernel, ok bool, err error) {
	if a.Coop == NoCoop || a.Coop == MayCoop && onCPU {
		return k, false, nil
	}
	shape, err := dev.CoopMatrix()
	if err == nil && a.B.DType != tensor.F32 && a.B.DType != tensor.F16 {
		err = &gpu.UnsupportedError{Device: dev.Info().Name, Feature: fmt.Sprintf("cooperative matrices for B of %v", a.B.DType)}
	}
	switch {
	case err != nil && a.Coop == MayCoop:
		return k, false, nil
	case err != nil:
		return k, false, fmt.Errorf("matmul.Record: %w", err)
	}
	// The large tile reads half as often, where its sums fit in registers and its
	// workgroups still occupy the device.
	k = coopKernel(shape, 128)
	if g := k.grid(a); dev.SubgroupWidth() < 32 || g[0]*g[1]*g[2] < busy {
		k = coopKernel(shape, 64)
	}
	return k, true, nil
}

// coopKernel is the kernel with 2 by 2 subgroups on a square tile; a side is a
// multiple of 64.
func coopKernel(c gpu.CoopMatrix, side int) kernel {
	return kernel{"coop", []uint32{4, uint32(c.M), uint32(c.N), uint32(c.K), uint32(side / 2 / c.M), uint32(side / 2 / c.N)}, side, side}
}
