package engine

import (
	"fmt"
	"testing"

	"github.com/morton-gen/morton/gpu/ops/sample"
)

// TestRequestsHaveStreamsOfTheirOwn numbers a hundred thousand requests of one seed.
// With 32 bits of the id eight pairs of these drew the same sample.
func TestRequestsHaveStreamsOfTheirOwn(t *testing.T) {
	type stream struct {
		key     [2]uint32
		counter uint32
	}
	seen := map[stream]string{}
	for i := range 100000 {
		id := fmt.Sprint("shape-", i)
		key, counter := sample.Stream(0, number(id))
		s := stream{key, counter}
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s draw the same sample", other, id)
		}
		seen[s] = id
	}
}
