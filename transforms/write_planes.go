package transforms

import (
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/report"
)

// writePlanes writes the features of a shape as a tensor, [planes, rows, columns, numbers].
func writePlanes(x *system.Planes, p report.Place, row *report.Result, d *report.Delivery) error {
	t, err := safetensors.FromFloat32s("planes", safetensors.F32, []int{x.N, x.H, x.W, x.C}, x.X)
	if err != nil {
		return err
	}
	row.Output = p.File(".safetensors")
	return writeTo(d, row.Output, func(path string) error { return safetensors.Write(path, []safetensors.NamedTensor{t}, nil) })
}
