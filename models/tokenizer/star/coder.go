package star

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Coder turns features into the codes of pyramids and back on a device. It keeps nothing
// between calls but two small matrices. It is safe for concurrent use.
type Coder struct {
	Pyramids
	dev           *gpu.Device
	stretch, pool *gpu.Tensor
}

// NewCoder makes a coder. Errors: [ErrConfig], [gpu.ErrOutOfMemory].
func NewCoder(dev *gpu.Device, p Pyramids) (*Coder, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	c := &Coder{Pyramids: p, dev: dev}
	var err error
	if c.stretch, err = dev.FromF32(p.Stretching(), p.Detail, p.Semantic); err == nil {
		c.pool, err = dev.FromF32(p.pooling(), p.Semantic, p.Detail)
	}
	if err != nil {
		c.Free()
		return nil, err
	}
	return c, nil
}

// Free gives the memory back.
func (c *Coder) Free() {
	c.stretch.Free()
	c.pool.Free()
}

// bytes is the device memory of a call at most.
func (p Pyramids) bytes() uint64 {
	y := p.Of(p.Clip)
	return 4 * uint64(6*y.Cells()*p.Detail+y.Codes()*p.Words())
}

func (c *Coder) quantizer(y Pyramid) Quantizer {
	return Quantizer{Pyramid: y, Stretch: c.stretch, Pool: c.pool}
}

// frame is the number of features' numbers of a time.
func (p Pyramids) frame() int {
	last := p.Sides[len(p.Sides)-1]
	return last[0] * last[1] * p.Detail
}

// Codes returns the codes of features, [t, h, w, Detail], pyramid by pyramid and pass by
// pass, each of [Pyramids.Words] words. The last pyramid may be a short one. Errors:
// [ErrSize], [gpu.ErrOutOfMemory], and those of [gpu.Program.Run].
func (c *Coder) Codes(features []float32) (codes []uint32, err error) {
	t := len(features) / c.frame()
	if t < 1 || t*c.frame() != len(features) {
		return nil, fmt.Errorf("star.Codes: %w: %d numbers for times of %d", ErrSize, len(features), c.frame())
	}
	for _, y := range c.All(t) {
		more, err := c.code(y, features[:y.T*c.frame()])
		if err != nil {
			return nil, fmt.Errorf("star.Codes: %w", err)
		}
		codes, features = append(codes, more...), features[y.T*c.frame():]
	}
	return codes, nil
}

// code returns the codes of one pyramid.
func (c *Coder) code(y Pyramid, features []float32) ([]uint32, error) {
	x, err := c.dev.FromF32(features, y.Cells(), c.Detail)
	if err != nil {
		return nil, err
	}
	defer x.Free()
	all, err := c.dev.NewTensor(tensor.U32, y.Codes()*c.Words())
	if err != nil {
		return nil, err
	}
	defer all.Free()
	r, q, at := c.dev.NewRecorder(), c.quantizer(y), 0
	for pass, scale := range y.Passes {
		n, w := y.Size(scale), (c.Bits(scale)+31)/32
		q.code(r, pass, x, all.View(at, n, w))
		at += n * w
	}
	if err := once(r); err != nil {
		return nil, err
	}
	packed, err := all.I32()
	if err != nil {
		return nil, err
	}
	codes, at := make([]uint32, 0, y.Codes()*c.Words()), 0
	for _, scale := range y.Passes {
		w := (c.Bits(scale) + 31) / 32
		for range y.Size(scale) {
			for i := range c.Words() {
				word := uint32(0)
				if i < w {
					word = uint32(packed[at+i])
				}
				codes = append(codes, word)
			}
			at += w
		}
	}
	return codes, nil
}

// Features returns what codes stand for, [t, h, w, Detail]. They are those of whole
// pyramids, of t times. Errors: [shard.ErrSample] for their number, [gpu.ErrOutOfMemory],
// and those of [gpu.Program.Run].
func (c *Coder) Features(codes []uint32, t int) (features []float32, err error) {
	for _, y := range c.All(t) {
		n := y.Codes() * c.Words()
		if n > len(codes) {
			return nil, fmt.Errorf("star.Features: %w: %d words are left for a pyramid of %d", shard.ErrSample, len(codes), n)
		}
		x, err := c.sum(y, codes[:n])
		if err != nil {
			return nil, fmt.Errorf("star.Features: %w", err)
		}
		features, codes = append(features, x...), codes[n:]
	}
	if len(codes) > 0 {
		return nil, fmt.Errorf("star.Features: %w: %d words too many for %d times", shard.ErrSample, len(codes), t)
	}
	return features, nil
}

// sum returns the features of one pyramid.
func (c *Coder) sum(y Pyramid, codes []uint32) ([]float32, error) {
	in, err := c.dev.NewTensor(tensor.I32, y.Codes(), c.Words())
	if err != nil {
		return nil, err
	}
	defer in.Free()
	words := make([]int32, len(codes))
	for i, x := range codes {
		words[i] = int32(x)
	}
	if err := in.WriteI32(words); err != nil {
		return nil, err
	}
	out, err := c.dev.NewTensor(tensor.F32, y.Cells(), c.Detail)
	if err != nil {
		return nil, err
	}
	defer out.Free()
	r, q, at := c.dev.NewRecorder(), c.quantizer(y), 0
	for pass := range y.Passes {
		q.Add(r, pass, 1, in.View(at*c.Words(), q.Count(pass), c.Words()), out, pass > 0)
		at += q.Count(pass)
	}
	if err := once(r); err != nil {
		return nil, err
	}
	return out.F32()
}

// once runs what was recorded.
func once(r *gpu.Recorder) error {
	p, err := r.Finish()
	if err != nil {
		return err
	}
	defer p.Free()
	return p.Run(1)
}
