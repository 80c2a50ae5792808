package gray

import (
	"embed"
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

//go:embed *.spv
var shaders embed.FS

// MaxBits is the largest number of bits of a coordinate.
const MaxBits = 8

// Plan says how many bits each coordinate has. It lies on a device.
type Plan struct {
	coordinates, bits int
	start             *gpu.Tensor // i32 [c+1]
	owner             *gpu.Tensor // i32 [l]
}

// NewPlan makes a plan from the bits of each coordinate, 1 to [MaxBits]. Errors wrap
// [gpu.ErrShape] or [gpu.ErrOutOfMemory].
func NewPlan(dev *gpu.Device, bits []int) (*Plan, error) {
	p := &Plan{coordinates: len(bits)}
	start, owner := []int32{0}, []int32(nil)
	for i, b := range bits {
		if b < 1 || b > MaxBits {
			return nil, fmt.Errorf("gray.NewPlan: %w: %d bits for coordinate %d, 1 to %d are possible", gpu.ErrShape, b, i, MaxBits)
		}
		for range b {
			owner = append(owner, int32(i))
		}
		start = append(start, int32(len(owner)))
	}
	if p.bits = len(owner); p.bits == 0 {
		return nil, fmt.Errorf("gray.NewPlan: %w: no coordinates", gpu.ErrShape)
	}
	var err error
	if p.start, err = dev.FromI32(start, len(start)); err != nil {
		return nil, err
	}
	if p.owner, err = dev.FromI32(owner, len(owner)); err != nil {
		p.start.Free()
	}
	return p, err
}

// Free gives the memory back.
func (p *Plan) Free() {
	p.start.Free()
	p.owner.Free()
}

// Bits returns l, the bits of a code.
func (p *Plan) Bits() int { return p.bits }

// Words returns the 32-bit words of a code.
func (p *Plan) Words() int { return launch.Ceil(p.bits, 32) }

// rows checks a matrix of n rows of the plan's coordinates.
func (p *Plan) rows(where, name string, x *gpu.Tensor) (n int, err error) {
	if p == nil {
		return 0, launch.Error(where, "no plan")
	}
	n, c, err := launch.Matrix(where, name, x)
	if err == nil && c != p.coordinates {
		err = launch.Error(where, "%s has %d coordinates, the plan %d", name, c, p.coordinates)
	}
	return n, err
}
