package vae3d_test

import (
	"fmt"
	"os"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/vae3d"
)

// A clip is decoded from 3 by 2 by 3 latents of 4 numbers.
func Example() {
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		panic(err)
	}
	cfg, err := vae3d.ParseConfig(data)
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
	c, err := vae3d.Open(dev, cfg, nn.File(weights), vae3d.Options{T: 5, H: 8, W: 12})
	if err != nil {
		panic(err)
	}
	defer c.Free()

	const t, rows, cols = 3, 2, 3
	pix, err := c.Decode(make([]float32, t*rows*cols*cfg.Z), t, rows, cols)
	if err != nil {
		panic(err)
	}
	frames, side := cfg.Reduction()
	h, w := rows*side, cols*side
	fmt.Printf("%d frames of %d by %d pixels\n", 1+(t-1)*frames, h, w)
	fmt.Println(len(pix) == (1+(t-1)*frames)*h*w*3)
	// Output:
	// 5 frames of 8 by 12 pixels
	// true
}
