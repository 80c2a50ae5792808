package ply

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/morton-gen/morton/mesh/build"
)

// numbers reads successive numbers of a file. float64 represents every type
// exactly.
type numbers interface {
	next(scalar) (float64, error)
	skip(s scalar, n int64) error
}

func newNumbers(r *build.Reader, format string) numbers {
	switch format {
	case "binary_little_endian":
		return &binaryNumbers{r, binary.LittleEndian}
	case "binary_big_endian":
		return &binaryNumbers{r, binary.BigEndian}
	}
	return &textNumbers{r}
}

type binaryNumbers struct {
	r     *build.Reader
	order binary.ByteOrder
}

func (b *binaryNumbers) next(s scalar) (float64, error) {
	raw, err := b.r.Peek(s.size())
	if err != nil {
		return 0, ended(err)
	}
	x := b.decode(s, raw)
	b.r.Discard(len(raw)) // cannot fail
	return x, nil
}

func (b *binaryNumbers) decode(s scalar, raw []byte) float64 {
	switch s {
	case int8s:
		return float64(int8(raw[0]))
	case uint8s:
		return float64(raw[0])
	case int16s:
		return float64(int16(b.order.Uint16(raw)))
	case uint16s:
		return float64(b.order.Uint16(raw))
	case int32s:
		return float64(int32(b.order.Uint32(raw)))
	case uint32s:
		return float64(b.order.Uint32(raw))
	case float32s:
		return float64(math.Float32frombits(b.order.Uint32(raw)))
	default:
		return math.Float64frombits(b.order.Uint64(raw))
	}
}

func (b *binaryNumbers) skip(s scalar, n int64) error {
	for left := n * int64(s.size()); left > 0; { // n has 32 bits
		got, err := b.r.Discard(int(min(left, 1<<20)))
		if err != nil {
			return ended(err)
		}
		left -= int64(got)
	}
	return nil
}

type textNumbers struct{ r *build.Reader }

func (t *textNumbers) next(s scalar) (float64, error) {
	word, err := t.r.Word(false)
	if err != nil {
		return 0, ended(err)
	}
	x, err := strconv.ParseFloat(string(word), 64)
	if err != nil && !math.IsInf(x, 0) { // overflow gives infinity and an error
		return 0, fmt.Errorf("%w: %.40q where a number should be", ErrSyntax, word)
	}
	if s.whole() && x != math.Trunc(x) {
		return 0, fmt.Errorf("%w: %.40q where a whole number should be", ErrSyntax, word)
	}
	return x, nil
}

func (t *textNumbers) skip(_ scalar, n int64) error {
	for range n {
		if _, err := t.r.Word(false); err != nil {
			return ended(err)
		}
	}
	return nil
}

// ended turns an end of file into [ErrSyntax]; other errors pass.
func ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: it ends before its last element", ErrSyntax)
	}
	return err
}
