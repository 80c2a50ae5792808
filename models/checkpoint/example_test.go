package checkpoint_test

import (
	"fmt"
	"log"

	"github.com/morton-gen/morton/models/checkpoint"
)

// Open a training checkpoint of torch: the weights under "model" are taken.
func Example() {
	c, err := checkpoint.Open("testdata/wrapped.pt")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Printf("%s, part %q of %q, after %s steps\n", c.Format(), c.Part(), c.Parts(), c.Metadata()["steps"])
	shape, _ := c.Shape("embed.weight")
	fmt.Println(len(c.Names()), "tensors, embed.weight is", shape, c.DType("embed.weight"))
	// Output:
	// torch, part "model" of ["ema" "model"], after 3 steps
	// 5 tensors, embed.weight is [5 4] BF16
}

// Read one tensor of a folder with shards.
func ExampleCheckpoint_Sub() {
	c, err := checkpoint.Open("testdata/sharded")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	blocks := c.Sub("blocks.")
	fmt.Println(c.Format())
	fmt.Println(blocks.Names())
	// Output:
	// Hugging Face, 3 shards
	// [0.bias 0.weight 1.weight]
}

// Open another part than the usual one.
func ExampleOpenPart() {
	c, err := checkpoint.OpenPart("testdata/wrapped.pt", "ema")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(c.Part(), len(c.Names()), "tensors")
	// Output: ema 5 tensors
}
