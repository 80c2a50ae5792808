package cube

import (
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/clip/motion"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu/ops/gray"
	"github.com/morton-gen/morton/models/nn"
)

// Motion describes a predictive tokenizer, see [Predictive]: the bits of each coordinate of a
// cell's code.
type Motion struct {
	Intra []int `json:"intra,omitempty"` // of the first frame of cells; none: fitted to clips
	Inter []int `json:"inter,omitempty"` // of what the prediction of the others lacks
}

func (m *Motion) validate(c Config) error {
	for _, share := range [][]int{m.Intra, m.Inter} {
		sum := 0
		for _, b := range share {
			if b < 1 || b > gray.MaxBits {
				return fmt.Errorf("cube.Motion: %w: a coordinate of %d bits", nn.ErrConfig, b)
			}
			sum += b
		}
		if len(share) > 0 && sum != c.Tokenizer.Bits || len(m.Intra) > 0 != (len(m.Inter) > 0) {
			return fmt.Errorf("cube.Motion: %w: coordinates of %d bits in all for a code of %d", nn.ErrConfig, sum, c.Tokenizer.Bits)
		}
	}
	t := c.Tokenizer
	switch {
	case c.Group[0] != 1:
		return fmt.Errorf("cube.Motion: %w: cubes of %d frames of cells, which come one by one", nn.ErrConfig, c.Group[0])
	case t.Bits < 2 || t.Bits > 1024 || t.Bits%2 != 0:
		return fmt.Errorf("cube.Motion: %w: a code of %d bits", nn.ErrConfig, t.Bits)
	case c.Cell[0]%2 != 0 || c.Cell[1]%2 != 0 || c.Cell[2]%2 != 0:
		return fmt.Errorf("cube.Motion: %w: cells of %v, whose borders are not filtered", nn.ErrConfig, c.Cell)
	}
	return nil
}

// Predictive codes a clip frame of cells by frame of cells, as video codecs do. Motion that
// goes on (see codecs/clip/motion) predicts the pixels of the next one from those that were
// decoded. The code holds what the prediction lacks. So a code of zeros carries the
// picture on as it moves, with all its detail. The first frame of cells is coded as it is.
//
// A code is a number of coordinates of a lapped cosine transform, each rounded to levels of
// its own, see fit. Everything is computed on the processor, with products that are rounded
// before they are added. So encoder and decoder agree to the bit, on every machine: the
// prediction depends on what was decoded, and would part company otherwise.
//
// Source: prediction from decoded pixels without sent motion is Netravali and Robbins,
// "Motion-compensated television coding", 1979. Safe for concurrent use.
type Predictive struct {
	cfg          Config
	intra, inter *transformCode
}

// transformCode turns the lapped pixels of a cell into coordinates, and back.
type transformCode struct {
	share []int
	ladder
	in  []float32 // [pixels+1, coordinates]; the last row is added
	out []float32 // [coordinates+1, pixels]
}

// Names of the tensors of a predictive tokenizer, behind "intra." or "inter.".
const (
	codeIn  = "encoder.weight"
	codeOut = "decoder.weight"
)

// LoadPredictive reads what [Predictive.Save] wrote. Errors: nn.ErrConfig, nn.ErrWeights.
func LoadPredictive(c Config, f *safetensors.File) (*Predictive, error) {
	if c.Tokenizer.Motion == nil || len(c.Tokenizer.Motion.Intra) == 0 {
		return nil, fmt.Errorf("cube.LoadPredictive: %w: the coordinates' bits are missing", nn.ErrConfig)
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	p := &Predictive{cfg: c, intra: &transformCode{share: c.Tokenizer.Motion.Intra}, inter: &transformCode{share: c.Tokenizer.Motion.Inter, ladder: throughZero}}
	for _, x := range p.tensors() {
		t, err := f.Tensor(x.name)
		if err != nil {
			return nil, fmt.Errorf("cube.LoadPredictive: %w: %w", nn.ErrWeights, err)
		}
		if !slices.Equal(t.Shape, x.shape) {
			return nil, fmt.Errorf("cube.LoadPredictive: %w: %s is %v, want %v", nn.ErrWeights, x.name, t.Shape, x.shape)
		}
		if *x.to, err = t.Float32s(); err != nil {
			return nil, fmt.Errorf("cube.LoadPredictive: %w: %w", nn.ErrWeights, err)
		}
	}
	return p, nil
}

// matrix is a tensor of a tokenizer's file.
type matrix struct {
	name  string
	shape []int
	to    *[]float32
}

func (p *Predictive) tensors() (out []matrix) {
	px := p.cfg.pixels()
	for _, side := range []struct {
		name string
		code *transformCode
	}{{"intra.", p.intra}, {"inter.", p.inter}} {
		n := len(side.code.share)
		out = append(out, matrix{side.name + codeIn, []int{px + 1, n}, &side.code.in}, matrix{side.name + codeOut, []int{n + 1, px}, &side.code.out})
	}
	return out
}

// Save writes the tokenizer to a safetensors file.
func (p *Predictive) Save(path string) error {
	var list []safetensors.NamedTensor
	for _, x := range p.tensors() {
		t, err := safetensors.FromFloat32s(x.name, safetensors.F32, x.shape, *x.to)
		if err != nil {
			return err
		}
		list = append(list, t)
	}
	return safetensors.Write(path, list, map[string]string{"family": "cube tokenizer"})
}

// Config describes the tokenizer, with the bits of its coordinates.
func (p *Predictive) Config() Config { return p.cfg }

// Predict returns what the next frame of cells is predicted to look like, behind the last one,
// which was decoded; nil for the first one.
func (p *Predictive) Predict(last *clip.Clip) *clip.Clip {
	if last == nil {
		return nil
	}
	return motion.Continue(last, p.cfg.Cell[0])
}

// Encode codes a frame of cells, of which predicted is the prediction. Codes are [cells, words], in
// raster order. It also returns the pixels as the decoder has them.
func (p *Predictive) Encode(predicted, frames *clip.Clip) (codes []uint32, decoded *clip.Clip) {
	c, code := p.cfg, p.intra
	x, base := c.loaded(frames), make([]float32, len(frames.Pix))
	if predicted != nil {
		code, base = p.inter, c.loaded(predicted)
		subtract(x, base)
	}
	for z := range c.coordinatesOf(x, code) {
		codes = append(codes, code.write(z, c.words())...)
	}
	return codes, p.add(code, base, codes, frames.Rate)
}

// Decode returns the pixels of a frame of cells.
func (p *Predictive) Decode(predicted *clip.Clip, codes []uint32, rate clip.Rate) *clip.Clip {
	c := p.cfg
	if predicted == nil {
		return p.add(p.intra, make([]float32, c.Cell[0]*c.Size*c.Size*3), codes, rate)
	}
	return p.add(p.inter, c.loaded(predicted), codes, rate)
}

// Guesser returns a function that takes the codes of one frame of cells after the other. It
// returns the prediction of the next one: the code that it would have as a first frame, in the
// form of [Canvas.Guess].
func (p *Predictive) Guesser() func(codes []uint32) []float32 {
	c := p.cfg
	var predicted *clip.Clip
	return func(codes []uint32) (out []float32) {
		predicted = p.Predict(p.Decode(predicted, codes, clip.Rate{Num: c.Rate[0], Den: c.Rate[1]}))
		for z := range c.coordinatesOf(c.loaded(predicted), p.intra) {
			out = softBits(out, z, p.intra.share)
		}
		return out
	}
}

// coordinatesOf yields the coordinates of each cell of lapped pixels, in raster order. They are
// overwritten by the next cell's.
func (c Config) coordinatesOf(x []float32, code *transformCode) iter.Seq[[]float32] {
	return func(yield func([]float32) bool) {
		z := make([]float32, len(code.share))
		for cell := range c.gridH() * c.gridW() {
			affine(z, c.cut(nil, x, cell), code.in)
			if !yield(z) {
				return
			}
		}
	}
}

// subtract subtracts y from x.
func subtract(x, y []float32) {
	for i, v := range y {
		x[i] -= v
	}
}

// add adds what codes hold to lapped pixels, which it overwrites.
func (p *Predictive) add(code *transformCode, base []float32, codes []uint32, rate clip.Rate) *clip.Clip {
	c := p.cfg
	z, px := make([]float32, len(code.share)), make([]float32, c.pixels())
	for cell := range c.gridH() * c.gridW() {
		code.read(z, codes[cell*c.words():])
		affine(px, z, code.out)
		from := 0
		for line := range c.lines(base, cell) {
			for i := range line {
				line[i] += px[from+i]
			}
			from += len(line)
		}
	}
	out := clip.New(c.Cell[0], c.Size, c.Size, rate)
	c.unload(out, base)
	return out
}

// write returns the Gray codes of coordinates, as gpu/ops/gray writes them.
func (t *transformCode) write(z []float32, words int) []uint32 {
	code, at := make([]uint32, words), 0
	for i, b := range t.share {
		q := t.level(float64(z[i]), 1<<b)
		for k := b - 1; k >= 0; k-- {
			code[at/32] |= uint32(q>>k&1^q>>(k+1)&1) << (at % 32)
			at++
		}
	}
	return code
}

// read returns the coordinates of a code.
func (t *transformCode) read(z []float32, code []uint32) {
	at := 0
	for i, b := range t.share {
		q := 0
		for range b {
			q = 2*q + int(code[at/32]>>(at%32)&1^uint32(q)&1)
			at++
		}
		z[i] = float32(t.value(q, 1<<b))
	}
}

// FitPredictive fits a tokenizer to clips: first to what the prediction from true frames
// lacks, then to what that from decoded ones does. The error wraps nn.ErrConfig.
func FitPredictive(c Config, clips Clips) (*Predictive, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Tokenizer.Motion == nil || clips.N < 1 || clips.Size != c.Size || clips.T < 2*c.Cell[0] {
		return nil, fmt.Errorf("cube.FitPredictive: %w: %d clips of %d frames of %d pixels", nn.ErrConfig, clips.N, clips.T, clips.Size)
	}
	m := *c.Tokenizer.Motion // the caller's stays as it is
	c.Tokenizer.Motion = &m
	p := &Predictive{cfg: c}
	for range 2 {
		intra, inter := p.gather(clips)
		p.intra, p.inter = c.transformOf(intra, evenLevels), c.transformOf(inter, throughZero)
		m.Intra, m.Inter = p.intra.share, p.inter.share
	}
	p.cfg = c
	return p, c.Validate()
}

// gather looks at cells of some clips as they are coded: as they are, and less their
// prediction.
func (p *Predictive) gather(clips Clips) (intra, inter spectrum) {
	c := p.cfg
	n, frames, cells := min(clips.N, fitClips/2), clips.T/c.Cell[0], c.gridH()*c.gridW()
	step := max((n*cells*frames+fitCells-1)/fitCells, 1) | 1 // odd: it meets all places
	parts := make([][2]spectrum, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for w := range parts {
		parts[w] = [2]spectrum{make(spectrum, c.pixels()), make(spectrum, c.pixels())}
		wait.Go(func() {
			for i := w * n / len(parts); i < (w+1)*n/len(parts); i++ {
				p.look(&parts[w], step, i*frames, clips.Clip(i*clips.N/n))
			}
		})
	}
	wait.Wait()
	for _, x := range parts[1:] {
		for j := range x[0] {
			parts[0][0][j].values = append(parts[0][0][j].values, x[0][j].values...)
			parts[0][1][j].values = append(parts[0][1][j].values, x[1][j].values...)
		}
	}
	return parts[0][0], parts[0][1]
}

// look adds one in step of the cells of a clip to both spectra.
func (p *Predictive) look(to *[2]spectrum, step, number int, x *clip.Clip) {
	c := p.cfg
	add := func(s spectrum, x []float32, from int) {
		for cell := from % step; cell < c.gridH()*c.gridW(); cell += step {
			for j, v := range c.transform(c.cellOf(x, cell)) {
				s[j].values = append(s[j].values, v)
			}
		}
	}
	var last *clip.Clip
	for t := range x.T / c.Cell[0] {
		truth, err := x.Slice(t*c.Cell[0], (t+1)*c.Cell[0])
		if err != nil {
			return // the loop's bounds are the clip's
		}
		predicted := p.Predict(last)
		lapped := c.loaded(truth)
		add(to[0], lapped, number+t)
		if predicted != nil {
			subtract(lapped, c.loaded(predicted))
			add(to[1], lapped, number+t)
		}
		if last = truth; p.intra != nil {
			_, last = p.Encode(predicted, truth)
		}
	}
}

// transformOf shares a code's bits among the coefficients of a spectrum.
func (c Config) transformOf(s spectrum, l ladder) *transformCode {
	for j := range s {
		s[j].look(l)
	}
	bits := s.share(c.Tokenizer.Bits)
	w, n, px := c.transformCodec(s, bits), len(positive(bits)), c.pixels()
	return &transformCode{
		share: positive(bits), ladder: l,
		in:  append(transposed(w["encoder.base.weight"], n, px), w["encoder.base.bias"]...),
		out: append(transposed(w["decoder.base.weight"], px, n), w["decoder.base.bias"]...),
	}
}

// transposed returns the transpose of x, [rows, columns].
func transposed(x []float32, rows, columns int) []float32 {
	out := make([]float32, 0, len(x))
	for j := range columns {
		for i := range rows {
			out = append(out, x[i*columns+j])
		}
	}
	return out
}
