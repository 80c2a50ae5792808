package planes

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/models/tokenizer/msvq"
)

func init() {
	names := Default().Params()
	system.RegisterCodec(system.Codec{
		Name: "planes", Kind: system.Shape, Samples: shard.KindPlanes, Tensors: []string{names[0].Name, names[1].Name, names[len(names)-1].Name},
		Fields: []string{"share_quant_resi"}, Describe: describe,
	})
}

// describe reads a description, or takes the published one with the tensors' sizes.
func describe(config json.RawMessage, w nn.Weights) (system.Description, error) {
	c := Default()
	if config != nil {
		return ParseConfig(config)
	}
	if shape, ok := w.Shape(c.Params()[0].Name); ok && len(shape) == 2 {
		c.Codes, c.Dim = shape[0], shape[1]
	}
	return c, c.Validate()
}

// Fit implements [system.Description].
func (c Config) Fit(s *system.System) (system.Format, error) {
	if c.Codes != s.Token.Values || s.Token.Sub != 1 || s.Grid != [3]int{Count, c.Side(), c.Side()} {
		return system.Format{}, fmt.Errorf("the tokenizer has %d codes in scales of %v on %d planes, the generator %d codes and a grid of %v", c.Codes, c.Sides, Count, s.Token.Values, s.Grid)
	}
	return system.Format{}, nil
}

// Size implements [system.Description].
func (c Config) Size(nn.Weights, *system.System) (uint64, error) {
	return cnn.WeightBytes(c.Params()), c.Validate()
}

// Load implements [system.Description].
func (c Config) Load(dev *gpu.Device, w nn.Weights, _ *system.System) (system.Tokenizer, error) {
	return Open(dev, c, w)
}

// Facts implements [system.Description].
func (c Config) Facts() []system.Fact {
	return []system.Fact{
		{Name: "tokenizer_codes", Value: fmt.Sprintf("%d of %d numbers", c.Codes, c.Dim)},
		{Name: "tokenizer_makes", Value: "planes of features; what makes surfaces of them is not here"},
		{Name: "tokenizer_scales", Value: fmt.Sprintf("%v tokens a side, on %d planes", c.Sides, Count)},
	}
}

// Tokenizer implements [system.Tokenizer] as far as the planes. Calls run one at a time.
type Tokenizer struct {
	cfg Config
	dev *gpu.Device

	mu     sync.Mutex
	params cnn.Table // nil after Close
}

// Open loads the quantizer of a published tokenizer, whose other tensors are passed over. Errors:
// [ErrConfig], [nn.ErrWeights], [gpu.ErrOutOfMemory].
func Open(dev *gpu.Device, c Config, w nn.Weights) (*Tokenizer, error) {
	t := &Tokenizer{cfg: c, dev: dev, params: cnn.Table{}}
	err := c.Validate()
	if err == nil {
		err = cnn.Check(w, c.Params(), nil)
	}
	if err == nil {
		err = t.params.Load(dev, w, c.Params())
	}
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("planes.Open: %w", err)
	}
	return t, nil
}

// Close implements [system.Tokenizer].
func (t *Tokenizer) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.params.Free()
	t.params = nil
}

// Encode fails: the encoder, which reads views of a shape, is not here. The error wraps
// [cnn.ErrNoEncoder].
func (t *Tokenizer) Encode(string, system.Media, system.Extent) (shard.Sample, system.Measures, error) {
	return shard.Sample{}, nil, fmt.Errorf("planes.Encode: %w", cnn.ErrNoEncoder)
}

// Begin implements [system.Tokenizer]. A shape starts from its condition alone.
func (t *Tokenizer) Begin(id string, m system.Media, _ system.Extent) (*system.Beginning, error) {
	if m.Mesh != nil {
		return nil, fmt.Errorf("planes.Begin: %w: planes start from no mesh", system.ErrPrompt)
	}
	return &system.Beginning{Notes: []string{"features on planes: no network here makes a surface of them"}, Finish: func(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
		s := shard.Sample{ID: id, Kind: shard.KindPlanes, Grid: t.grid()}
		for _, x := range tokens {
			s.Tokens = append(s.Tokens, int64(x))
		}
		m, measures, err := t.Decode(s)
		return m, s, measures, err
	}}, nil
}

// grid is the number of planes and the sides of the scales.
func (t *Tokenizer) grid() []int32 {
	out := []int32{Count}
	for _, s := range t.cfg.Sides {
		out = append(out, int32(s))
	}
	return out
}

// Decode returns the planes that a sample's tokens add up to. Errors wrap [shard.ErrSample] or
// [system.ErrClosed], or are the device's.
func (t *Tokenizer) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	c := t.cfg
	if s.Kind != shard.KindPlanes || !slices.Equal(s.Grid, t.grid()) || len(s.Tokens) != Count*c.Tokens() {
		return system.Media{}, nil, fmt.Errorf("planes.Decode: %w: %q is %s %v with %d tokens, want %s %v", shard.ErrSample, s.ID, s.Kind, s.Grid, len(s.Tokens), shard.KindPlanes, t.grid())
	}
	ids := make([]int32, len(s.Tokens))
	for i, x := range s.Tokens {
		if x < 0 || x >= int64(c.Codes) {
			return system.Media{}, nil, fmt.Errorf("planes.Decode: %w: %q: token %d is %d of %d", shard.ErrSample, s.ID, i, x, c.Codes)
		}
		ids[i] = int32(x)
	}
	x, err := t.sum(ids)
	if err != nil {
		return system.Media{}, nil, fmt.Errorf("planes.Decode: %w", err)
	}
	return system.Media{Planes: &system.Planes{N: Count, H: c.Side(), W: c.Side(), C: c.Dim, X: x}}, nil, nil
}

// sum returns what tokens add up to, [planes, s, s, d].
func (t *Tokenizer) sum(ids []int32) ([]float32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.params == nil {
		return nil, system.ErrClosed
	}
	given, err := t.dev.NewTensor(tensor.I32, len(ids))
	if err != nil {
		return nil, err
	}
	defer given.Free()
	if err := given.WriteI32(ids); err != nil {
		return nil, err
	}
	r := t.dev.NewRecorder()
	q := Quantizer{msvq.Quantizer{Config: t.cfg.Config, Weight: func(name string) *gpu.Tensor { return t.params[Prefix+name] }}}
	all, at := r.Temp(tensor.F32, q.Cells(), t.cfg.Dim), 0
	for k := range t.cfg.Sides {
		q.Add(r, k, 1, given.View(at, q.Count(k)), all, k > 0)
		at += q.Count(k)
	}
	out := r.Keep(all)
	defer out.Free()
	run, err := r.Finish()
	if err != nil {
		return nil, err
	}
	defer run.Free()
	if err := run.Run(1); err != nil {
		return nil, err
	}
	return out.F32()
}
