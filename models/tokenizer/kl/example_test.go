package kl_test

import (
	"fmt"
	"os"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/kl"
)

// A picture is decoded from 2 by 3 latents of 4 numbers.
func Example() {
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		panic(err)
	}
	cfg, err := kl.ParseConfig(data)
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
	c, err := kl.Open(dev, cfg, nn.File(weights), kl.Options{})
	if err != nil {
		panic(err)
	}
	defer c.Free()

	const rows, cols = 2, 3
	pix, err := c.Decode(make([]float32, rows*cols*cfg.Z), rows, cols)
	if err != nil {
		panic(err)
	}
	sum := 0
	for _, b := range pix {
		sum += int(b)
	}
	fmt.Printf("%d by %d pixels, %d on average\n", rows*cfg.Reduction(), cols*cfg.Reduction(), sum/len(pix))
	// Output: 8 by 12 pixels, 156 on average
}
