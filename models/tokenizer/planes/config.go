package planes

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/models/tokenizer/msvq"
)

// Count is the number of planes of a shape: three, one against each axis.
const Count = 3

// Prefix begins the names of the quantizer's tensors in the published tokenizer.
const Prefix = "decoder.superresolution."

// ErrConfig reports a description of a tokenizer that no network fits.
var ErrConfig = cnn.ErrConfig

// Config describes the quantizer. Its fields are the arguments of SAR3D's, those of msvq that
// are of no network.
type Config struct{ msvq.Config }

// Default is the published quantizer: codes of 8 numbers, and ten scales of up to 16 by 16.
func Default() Config {
	c := msvq.Default()
	c.Codes, c.Dim = 1<<14, 8
	return Config{c}
}

// ParseConfig reads a description from JSON, as msvq.ParseConfig does, and validates it. The
// error wraps [ErrConfig].
func ParseConfig(data []byte) (Config, error) {
	c := Default()
	if err := cnn.ParseConfig(data, &c); err != nil {
		return Config{}, fmt.Errorf("planes.ParseConfig: %w", err)
	}
	return c, c.Validate()
}

// Params lists the tensors. Codes have unit length, whatever length the tensor's rows have.
func (c Config) Params() []cnn.Param {
	out := c.Config.Params()
	out[0].Prepare = c.unit
	for i := range out {
		out[i].Name = Prefix + out[i].Name
	}
	return out
}

// unit brings the codes to unit length.
func (c Config) unit(x []float32) {
	for ; len(x) >= c.Dim; x = x[c.Dim:] {
		sum := 0.0
		for _, v := range x[:c.Dim] {
			sum += float64(v) * float64(v)
		}
		length := max(math.Sqrt(sum), 1e-12)
		for i, v := range x[:c.Dim] {
			x[i] = float32(float64(v) / length)
		}
	}
}

// Quantizer turns tokens of scales into planes. A scale has those of each plane, one plane
// behind the other, and so have maps.
type Quantizer struct{ msvq.Quantizer }

// Count is the number of tokens of scale k.
func (q Quantizer) Count(k int) int { return Count * q.Quantizer.Count(k) }

// Cells is the number of places of the last scale.
func (q Quantizer) Cells() int { return Count * q.Quantizer.Cells() }

// Add is that of msvq for the planes of b shapes.
func (q Quantizer) Add(r *gpu.Recorder, k, b int, ids, out *gpu.Tensor, add bool) {
	q.Quantizer.Add(r, k, Count*b, ids, out, add)
}

// Reduce is that of msvq for the planes of b shapes.
func (q Quantizer) Reduce(r *gpu.Recorder, k, b int, x *gpu.Tensor) *gpu.Tensor {
	return q.Quantizer.Reduce(r, k, Count*b, x)
}
