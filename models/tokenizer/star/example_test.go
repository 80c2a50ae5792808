package star_test

import (
	"fmt"
	"os"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/star"
)

// A clip is decoded from 3 by 2 by 3 features of 64 numbers.
func Example() {
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		panic(err)
	}
	cfg, err := star.ParseConfig(data)
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
	c, err := star.Open(dev, cfg, nn.File(weights), star.Options{T: 9, H: 32, W: 48})
	if err != nil {
		panic(err)
	}
	defer c.Free()

	const t, rows, cols = 3, 2, 3
	pix, err := c.Decode(make([]float32, t*rows*cols*cfg.Width()), t, rows, cols)
	if err != nil {
		panic(err)
	}
	frames, side := cfg.Reduction()
	h, w := rows*side, cols*side
	fmt.Printf("%d frames of %d by %d pixels\n", 1+(t-1)*frames, h, w)
	fmt.Println(len(pix) == (1+(t-1)*frames)*h*w*3)
	// Output:
	// 9 frames of 32 by 48 pixels
	// true
}
