package larp_test

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/larp"
)

// A clip of 4 frames is decoded from 24 tokens.
func Example() {
	config, err := os.ReadFile("testdata/config.json")
	if err != nil {
		panic(err)
	}
	file, err := safetensors.Open("testdata/weights.safetensors")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	weights := nn.File(file)
	cfg, err := larp.Describe(json.RawMessage(config), weights)
	if err != nil {
		panic(err)
	}
	dev, err := gpu.Open(gpu.Options{})
	if err != nil {
		panic(err)
	}
	defer dev.Close()
	c, err := larp.Open(dev, cfg, weights, larp.Options{DecodeOnly: true})
	if err != nil {
		panic(err)
	}
	defer c.Free()

	pix, err := c.Decode(make([]uint32, cfg.Tokens))
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d frames of %d by %d pixels, %d bytes\n", cfg.Frames, cfg.Side, cfg.Side, len(pix))
	// Output: 4 frames of 16 by 16 pixels, 3072 bytes
}
