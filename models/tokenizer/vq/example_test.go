package vq_test

import (
	"fmt"
	"os"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/vq"
)

// file gives a safetensors file's tensors to a tokenizer.
type file struct{ *safetensors.File }

func (f file) Shape(name string) ([]int, bool) {
	x, err := f.Tensor(name)
	return x.Shape, err == nil
}

func (f file) Floats(name string) ([]float32, error) {
	x, err := f.Tensor(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", nn.ErrWeights, err)
	}
	return x.Float32s()
}

// A picture is decoded by a tokenizer with one token for 4 by 4 pixels.
func Example() {
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		panic(err)
	}
	cfg, err := vq.ParseConfig(data)
	if err != nil {
		panic(err)
	}
	weights, err := safetensors.Open("testdata/decoder.safetensors")
	if err != nil {
		panic(err)
	}
	defer weights.Close()
	dev, err := gpu.Open(gpu.Options{})
	if err != nil {
		panic(err)
	}
	defer dev.Close()
	c, err := vq.Open(dev, cfg, file{weights}, vq.Options{})
	if err != nil {
		panic(err)
	}
	defer c.Free()

	const rows, cols = 2, 3
	pix, err := c.Decode([]uint32{1, 5, 9, 60, 3, 22}, rows, cols)
	if err != nil {
		panic(err)
	}
	n, sum := cfg.Reduction(), 0
	for _, b := range pix {
		sum += int(b)
	}
	fmt.Printf("%d by %d pixels, %d on average\n", rows*n, cols*n, sum/len(pix))
	// Output: 8 by 12 pixels, 110 on average
}
