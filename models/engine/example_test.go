package engine_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"sync"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	_ "github.com/morton-gen/morton/models/systems"
)

// Two requests share an engine. The checkpoint is a LlamaGen of three layers with
// random weights. Its tokens mean nothing, but the authors' own code draws the same.
func Example() {
	const folder = "../systems/testdata/llamagen/"
	file, err := safetensors.Open(folder + "weights.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	config, err := os.ReadFile(folder + "config.json")
	if err != nil {
		log.Fatal(err)
	}
	weights := nn.File(file)
	found, err := system.Detect(weights)
	if err != nil {
		log.Fatal(err)
	}
	sys, err := found.Open(config, weights)
	if err != nil {
		log.Fatal(err)
	}
	dev, err := gpu.Open(gpu.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer dev.Close()
	e, err := engine.New(dev, sys, weights, engine.Options{Slots: 2, Precision: nn.F32})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()

	var pictures [2][]uint32
	var wait sync.WaitGroup
	for i, class := range []int{3, 7} {
		wait.Go(func() {
			prompt := system.Prompt{Class: class}
			result, err := e.Generate(context.Background(), engine.Request{
				ID: fmt.Sprint("class ", class), Temperature: 0, TopP: 1, End: -1, // 0: the likeliest token
				Schedule: func() (system.Schedule, error) { return sys.Schedule(prompt) },
			})
			if err != nil {
				log.Fatal(err)
			}
			pictures[i] = result.Tokens
		})
	}
	wait.Wait()
	for _, tokens := range pictures {
		fmt.Println(tokens)
	}
	// Output:
	// [56 61 39 15 42 10 10 10 10 18 31 44 17 37 10 18]
	// [62 51 51 51 51 51 51 51 51 51 51 51 51 51 51 51]
}
