package larp

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// fake are named tensors in memory.
type fake map[string]fakeTensor

type fakeTensor struct {
	shape []int
	data  []float32
}

func (f fake) Names() []string { return slices.Sorted(maps.Keys(f)) }

func (f fake) Shape(name string) ([]int, bool) {
	x, ok := f[name]
	return x.shape, ok
}

func (f fake) Floats(name string) ([]float32, error) {
	x, ok := f[name]
	if !ok {
		return nil, fmt.Errorf("%w: no %s", nn.ErrWeights, name)
	}
	return slices.Clone(x.data), nil
}

// read returns a file's tensors; integers become floats.
func read(tb testing.TB, path string) fake {
	tb.Helper()
	file, err := safetensors.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	f := fake{}
	for _, name := range file.Names() {
		x, err := file.Tensor(name)
		if err != nil {
			tb.Fatal(err)
		}
		data := make([]float32, x.Elements())
		if x.DType == safetensors.I32 {
			for i := range data {
				data[i] = float32(binary.LittleEndian.Uint32(x.Data[4*i:]))
			}
		} else if data, err = x.Float32s(); err != nil {
			tb.Fatal(err)
		}
		f[name] = fakeTensor{x.Shape, data}
	}
	return f
}

// batch returns element i of the first axis.
func (x fakeTensor) batch(i int) []float32 {
	n := len(x.data) / x.shape[0]
	return x.data[i*n : (i+1)*n]
}

func (x fakeTensor) tokens(i int) (out []uint32) {
	for _, v := range x.batch(i) {
		out = append(out, uint32(v))
	}
	return out
}

// clip turns clip i of [b, c, t, h, w] into [t, h, w, c].
func (x fakeTensor) clip(i int) []float32 {
	c, pixels := x.shape[1], x.shape[2]*x.shape[3]*x.shape[4]
	out := make([]float32, 0, c*pixels)
	for p := range pixels {
		for k := range c {
			out = append(out, x.batch(i)[k*pixels+p])
		}
	}
	return out
}

func config(tb testing.TB) json.RawMessage {
	tb.Helper()
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// tiny is the tokenizer of testdata.
func tiny(tb testing.TB) (Config, fake) {
	tb.Helper()
	w := read(tb, "testdata/weights.safetensors")
	c, err := Describe(config(tb), w)
	if err != nil {
		tb.Fatal(err)
	}
	return c, w
}
