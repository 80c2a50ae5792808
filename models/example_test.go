package models_test

import (
	"fmt"
	"log"

	"github.com/morton-gen/morton/models"
)

// A published checkpoint opens without a device. This one is tiny and its weights are
// random; a downloaded one opens in the same way.
func ExampleOpenPublished() {
	p, err := models.OpenPublished("systems/testdata/par/weights.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	fmt.Printf("%s, arXiv:%s, makes an %s of %d by %d tokens\n", p.Title, p.Paper, p.Kind, p.System.Grid[1], p.System.Grid[2])
	fmt.Println("parameters:", p.System.Params.Count())
	fmt.Println("tokenizer beside it:", p.Tokenizer != nil)
	// Output:
	// PAR, arXiv:2412.15119, makes an image of 6 by 6 tokens
	// parameters: 169280
	// tokenizer beside it: false
}
