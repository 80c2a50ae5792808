package system_test

import (
	"errors"
	"fmt"

	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	_ "github.com/morton-gen/morton/models/systems" // registers those that Morton knows
)

// shapes are the tensors of a checkpoint whose values nobody has read.
type shapes map[string][]int

func (s shapes) Names() (names []string) {
	for n := range s {
		names = append(names, n)
	}
	return names
}

func (s shapes) Shape(name string) ([]int, bool) {
	shape, ok := s[name]
	return shape, ok
}

func (s shapes) Floats(name string) ([]float32, error) {
	return nil, fmt.Errorf("%w: %s has no values", nn.ErrWeights, name)
}

// A checkpoint says which system it is of by the names of its tensors. The shapes say
// the rest, here for LlamaGen-XL.
func ExampleDetect() {
	w := shapes{
		"tok_embeddings.weight": {16384, 1280}, "cls_embedding.embedding_table.weight": {1001, 1280}, "output.weight": {16384, 1280},
		"layers.0.feed_forward.w1.weight": {3584, 1280},
	}
	for i := range 36 {
		w[fmt.Sprintf("layers.%d.attention.wqkv.weight", i)] = []int{3 * 1280, 1280}
	}
	found, err := system.Detect(w)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := found.Open(nil, w) // there is no config.json
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, arXiv:%s, %d million parameters\n", found.Title, found.Paper, s.Params.Count()/1e6)
	fmt.Printf("a grid of %v, %d tensors are missing\n", s.Grid, len(s.Params.Missing(w)))

	_, err = system.Detect(shapes{"encoder.weight": {3, 3}})
	fmt.Println(errors.Is(err, system.ErrUnknown))
	// Output:
	// LlamaGen, arXiv:2406.06525, 774 million parameters
	// a grid of [1 16 16], 216 tensors are missing
	// true
}
