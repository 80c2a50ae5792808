package msvq_test

import (
	"fmt"
	"os"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/msvq"
)

// A picture is decoded from tokens of six scales, 1 to 6 a side.
func Example() {
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		panic(err)
	}
	cfg, err := msvq.ParseConfig(data)
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
	c, err := msvq.Open(dev, cfg, nn.File(weights), msvq.Options{})
	if err != nil {
		panic(err)
	}
	defer c.Free()

	pix, err := c.Decode(make([]uint32, cfg.Tokens()))
	if err != nil {
		panic(err)
	}
	sum := 0
	for _, b := range pix {
		sum += int(b)
	}
	fmt.Printf("%d tokens, %d by %d pixels, %d on average\n", cfg.Tokens(), cfg.Pixels(), cfg.Pixels(), sum/len(pix))
	// Output: 91 tokens, 24 by 24 pixels, 144 on average
}
