package bsq

import (
	"embed"
	"math"

	"github.com/morton-gen/morton/gpu"
)

//go:embed *.spv
var shaders embed.FS

func words(l int) int { return (l + 31) / 32 }

// side is the size of a code's coordinates, 1/√L, as a kernel's parameter: host
// and device then agree on its bits.
func side(l int) uint32 { return gpu.F32Param(float32(1 / math.Sqrt(float64(l)))) }
