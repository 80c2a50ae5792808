package order_test

import (
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// An order is checked by counting, without a device. NAR predicts the diagonals of an
// image: 4 by 4 tokens behind a class take 7 steps.
func Example() {
	g := order.Grid{T: 1, H: 4, W: 4}
	var class order.Conditions
	g.Condition(&class.Rows, 207)
	g.Condition(&class.Other, 1000) // no class, for guidance
	const directions = 2            // from the left, and from above
	s := g.Shells(class, directions, nil)
	for {
		run, err := s.Next(nil)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("rows %d, see %d, draw cells %v\n", run.N, run.KVLen[0], run.Targets.At)
	}
	// Output:
	// rows 1, see 1, draw cells [0]
	// rows 1, see 2, draw cells [1 4]
	// rows 2, see 4, draw cells [2 5 8]
	// rows 3, see 7, draw cells [3 6 9 12]
	// rows 4, see 11, draw cells [7 10 13]
	// rows 3, see 14, draw cells [11 14]
	// rows 2, see 16, draw cells [15]
}

// A schedule that depends on what was drawn is called with the tokens so far.
func ExampleGrow() {
	next := func(tokens []uint32) ([]system.Run, error) {
		if len(tokens) == 3 {
			return nil, nil // the end
		}
		fmt.Println("after", tokens)
		at := int32(len(tokens))
		return []system.Run{{
			Rows:    system.Rows{N: 1, Inputs: []int32{at - 1}, KVLen: []int32{at + 1}},
			Targets: system.Targets{N: 1, At: []int32{at}}, Group: 1, GroupTargets: 1,
		}}, nil
	}
	s := order.Grow(next)
	for tokens := []uint32{7}; ; tokens = append(tokens, 9) { // as if 9 were drawn
		if _, err := s.Next(tokens); err != nil {
			fmt.Println(err)
			break
		}
	}
	// Output:
	// after [7]
	// after [7 9]
	// EOF
}
