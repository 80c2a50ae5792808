package matmul

import (
	"errors"
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Group is the number of weights, along k, that share a scale.
const Group = 32

// block is the number of rows of B that a packed B interleaves: what the lanes
// of one load take lies side by side, whatever the subgroup's width.
const block = 32

// ErrWeight is wrapped by the error of [Quantize] for a weight that is NaN or
// infinite.
var ErrWeight = errors.New("weight is not finite")

// Packed is a matrix of n rows by k columns as integers of eight or four bits
// with a scale for each [Group] of a row:
//
//	w[n, k] ≈ Scales[n/32, k/32, n%32] · q[n, k]
//
// Data holds 64-bit words, little-endian, each of one row's 8 (I8) or 16 (I4x2)
// consecutive weights; 32 rows take turns, and n is filled up to a multiple of
// 32 with zeros:
//
//	word:    row 0 k 0…7 | row 1 k 0…7 | … | row 31 k 0…7 | row 0 k 8…15 | …
//	I8:      byte j of a word is q + 128 of weight j
//	I4x2:    bits 4j … 4j+3 of a word are q of weight j, in two's complement
//
// and after the last k the next 32 rows follow.
type Packed struct {
	Type   tensor.DType
	N, K   int
	Data   []byte
	Scales []float32
}

// Quantize packs w, [n, k] row-major, for the B and Scale of [Record]. A group's scale s
// is its largest magnitude over 127 (I8) or 7 (I4x2). q is w/s rounded to the nearest
// integer, ties to even. So
//
//	|w - s·q| <= s·(1/2 + 2⁻¹⁶)
//
// except in a group whose scale would be below 2⁻¹²⁶, which becomes zeros. The
// result depends on w alone. k must be a multiple of Group. Errors:
// [gpu.ErrShape], [ErrWeight].
func Quantize(t tensor.DType, w []float32, n, k int) (Packed, error) {
	if t != tensor.I8 && t != tensor.I4x2 || n < 1 || k < 1 || k%Group != 0 || len(w) != n*k {
		return Packed{}, fmt.Errorf("matmul.Quantize: %w: %d weights as %dx%d of %v, groups of %d", gpu.ErrShape, len(w), n, k, t, Group)
	}
	p := Packed{t, n, k, make([]byte, packedBytes(t, n, k)), make([]float32, scaleCount(n, k))}
	if t == tensor.I8 {
		for i := range p.Data {
			p.Data[i] = 128
		}
	}
	for row := range n {
		for g := range k / Group {
			if err := p.pack(row, g, w[row*k+g*Group:][:Group]); err != nil {
				return Packed{}, err
			}
		}
	}
	return p, nil
}

// pack quantizes one group.
func (p *Packed) pack(row, g int, w []float32) error {
	most, limit := float32(0), float32(127)
	if p.Type == tensor.I4x2 {
		limit = 7
	}
	for _, x := range w {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("matmul.Quantize: %w: %v in row %d", ErrWeight, x, row)
		}
		most = max(most, x, -x)
	}
	s := most / limit
	if s < 0x1p-126 {
		return nil
	}
	p.Scales[p.scaleAt(row, g)] = s
	for j, x := range w {
		q := math.RoundToEven(float64(x) / float64(s))
		p.set(row, g*Group+j, int8(max(-float64(limit), min(float64(limit), q))))
	}
	return nil
}

func (p *Packed) scaleAt(row, g int) int {
	return (row/block*(p.K/Group)+g)*block + row%block
}

// at is the word of a weight and its place in the word.
func (p *Packed) at(row, k int) (word, j int) {
	per := perWord(p.Type)
	return (row/block*(p.K/per)+k/per)*block + row%block, k % per
}

func (p *Packed) set(row, k int, q int8) {
	word, j := p.at(row, k)
	if p.Type == tensor.I8 {
		p.Data[8*word+j] = byte(q) + 128
		return
	}
	p.Data[8*word+j/2] |= byte(q) & 15 << (j % 2 * 4)
}

// Upload puts the weights on a device, as [Args].B and [Args].Scale. Errors are
// those of [gpu.Device.NewTensor].
func (p *Packed) Upload(dev *gpu.Device) (b, scale *gpu.Tensor, err error) {
	rows := padded(p.N)
	if b, err = dev.NewTensor(p.Type, rows, len(p.Data)/rows); err != nil {
		return nil, nil, err
	}
	if err = b.WriteBytes(p.Data); err == nil {
		scale, err = dev.FromF32(p.Scales, rows/block, p.K/Group, block)
	}
	if err != nil {
		b.Free()
		return nil, nil, err
	}
	return b, scale, nil
}

func padded(n int) int { return (n + block - 1) / block * block }

func perWord(t tensor.DType) int {
	if t == tensor.I4x2 {
		return 16
	}
	return 8
}

func packedBytes(t tensor.DType, n, k int) int { return padded(n) * k * 8 / perWord(t) }

func scaleCount(n, k int) int { return padded(n) * k / Group }
