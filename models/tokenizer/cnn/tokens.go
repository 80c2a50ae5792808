package cnn

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/errkind"
)

// ErrToken reports tokens that are not indices of the code book, or not one for each cell.
var ErrToken = errkind.New("bad_sample", "no such code")

// ReadTokens appends the indices of a code.
func ReadTokens(code *gpu.Tensor, tokens *[]uint32) error {
	ids, err := code.I32()
	for _, id := range ids {
		*tokens = append(*tokens, uint32(id))
	}
	return err
}

// Indices returns tokens as a code has them. The error wraps [ErrToken] if one is not below
// the number of codes.
func Indices(tokens []uint32, codes int) ([]int32, error) {
	ids := make([]int32, len(tokens))
	for i, t := range tokens {
		if uint64(t) >= uint64(codes) {
			return nil, fmt.Errorf("%w: token %d is %d, there are %d", ErrToken, i, t, codes)
		}
		ids[i] = int32(t)
	}
	return ids, nil
}

// Normalize brings rows of d elements, such as the codes of a book, to length one. A row of
// zeros stays.
func Normalize(x []float32, d int) {
	for ; len(x) >= d; x = x[d:] {
		sum := 0.0
		for _, v := range x[:d] {
			sum += float64(v) * float64(v)
		}
		length := max(math.Sqrt(sum), 1e-12) // the least that torch divides by
		for i, v := range x[:d] {
			x[i] = float32(float64(v) / length)
		}
	}
}
