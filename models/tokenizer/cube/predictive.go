package cube

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/clip/measure"
	"github.com/morton-gen/morton/codecs/clip/motion"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/models/nn"
)

// Motion describes a predictive tokenizer, see [Predictive]: the bits of each coordinate of a
// cell's code.
type Motion struct {
	Intra []int `json:"intra,omitempty"` // of the first frame of cells; none: fitted to clips
	Inter []int `json:"inter,omitempty"` // of what the prediction of the others lacks, behind its motion vector
}

func (m *Motion) validate(c Config) error {
	if len(m.Intra) > 0 != (len(m.Inter) > 0) {
		return fmt.Errorf("cube.Motion: %w: one side of two is fitted", nn.ErrConfig)
	}
	if err := errors.Join(checkShare(m.Intra, c.Tokenizer.Bits), checkShare(m.Inter, c.Tokenizer.Bits-vectorBits)); err != nil {
		return err
	}
	t := c.Tokenizer
	switch {
	case c.Group[0] != 1:
		return fmt.Errorf("cube.Motion: %w: cubes of %d frames of cells, which come one by one", nn.ErrConfig, c.Group[0])
	case t.Bits <= vectorBits || t.Bits > 1024 || t.Bits%2 != 0:
		return fmt.Errorf("cube.Motion: %w: a code of %d bits", nn.ErrConfig, t.Bits)
	case c.Cell[0]%2 != 0 || c.Cell[1]%2 != 0 || c.Cell[2]%2 != 0:
		return fmt.Errorf("cube.Motion: %w: cells of %v, whose borders are not filtered", nn.ErrConfig, c.Cell)
	}
	return nil
}

// Predictive codes a clip frame of cells by frame of cells, as video codecs do. Motion that
// goes on (see codecs/clip/motion) predicts the pixels of the next one from those that were
// decoded. The code holds what the prediction lacks. So a code of nothing carries the
// picture on as it moves, with all its detail. The first frame of cells is coded as it is.
//
// A code begins with a motion vector, see [motion.Vectors], which the encoder searches for: what
// turns, swings or bounces keeps its detail too. The rest is a number of coordinates of a lapped
// cosine transform, each rounded to levels of its own, see fit. Everything is computed on the
// processor, with products that are rounded before they are added. So encoder and decoder agree
// to the bit, on every machine: the prediction depends on what was decoded, and would part
// company otherwise.
//
// Source: prediction from decoded pixels without sent motion is Netravali and Robbins,
// "Motion-compensated television coding", 1979. Safe for concurrent use.
type Predictive struct {
	cfg          Config
	intra, inter *transformCode
}

// vectorLevels are the values of a motion vector along each axis, in pixels a frame. Gray codes
// number them.
var vectorLevels = [1 << (vectorBits / 2)]float32{-5, -4, -3, -2, -1.5, -1, -2. / 3, -1. / 3, 0, 1. / 3, 2. / 3, 1, 1.5, 2, 3, 4}

// vectorBits are the bits of a motion vector.
const vectorBits = 8

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

// Prediction is what the next frame of cells is predicted to look like.
type Prediction struct {
	field  *motion.Field
	Frames *clip.Clip // without motion vectors
}

// Predict predicts the next frame of cells behind the last one, which was decoded; nil for the
// first one.
func (p *Predictive) Predict(last *clip.Clip) *Prediction {
	if last == nil {
		return nil
	}
	f := motion.Estimate(last)
	return &Prediction{field: f, Frames: f.Continue(p.cfg.Cell[0])}
}

// compensated returns the lapped pixels of a prediction with the motion vectors of codes; nil is 0.
func (p *Predictive) compensated(x *Prediction, codes []uint32) []float32 {
	c := p.cfg
	if x == nil {
		return make([]float32, c.Cell[0]*c.Size*c.Size*3)
	}
	v := motion.NewVectors(c.gridH(), c.gridW())
	for cell := range v.Y {
		code := codes[cell*c.words():]
		v.Y[cell], v.X[cell] = vectorLevels[readGray(code, 0, vectorBits/2)], vectorLevels[readGray(code, vectorBits/2, vectorBits/2)]
	}
	return c.loaded(x.field.Compensate(x.Frames, v))
}

// search returns codes that hold nothing but the motion vectors that bring a prediction nearest to
// frames.
func (p *Predictive) search(x *Prediction, frames *clip.Clip) []uint32 {
	c := p.cfg
	codes := make([]uint32, c.gridH()*c.gridW()*c.words())
	if x == nil {
		return codes
	}
	ys, xs := motion.Search(x.Frames, frames, vectorLevels[:], c.gridH(), c.gridW())
	for cell := range ys {
		code := codes[cell*c.words():]
		writeGray(code, 0, vectorBits/2, ys[cell])
		writeGray(code, vectorBits/2, vectorBits/2, xs[cell])
	}
	return codes
}

// side is the code of a frame of cells with a prediction.
func (p *Predictive) side(x *Prediction) *transformCode {
	if x == nil {
		return p.intra
	}
	return p.inter
}

// Encode codes a frame of cells. Codes are [cells, words], in raster order. It also returns the
// pixels as the decoder has them.
func (p *Predictive) Encode(x *Prediction, frames *clip.Clip) (codes []uint32, decoded *clip.Clip) {
	codes = p.search(x, frames)
	base, lacks := p.compensated(x, codes), p.cfg.loaded(frames)
	subtract(lacks, base)
	return codes, p.finish(p.side(x), codes, base, lacks, frames.Rate)
}

// finish writes what lapped pixels lack to codes, which hold motion vectors, and returns the
// pixels as the decoder has them. It overwrites base.
func (p *Predictive) finish(code *transformCode, codes []uint32, base, lacks []float32, rate clip.Rate) *clip.Clip {
	c := p.cfg
	for cell, z := range c.coordinatesOf(lacks, code) {
		code.write(codes[cell*c.words():][:c.words()], c.Tokenizer.Bits, z)
	}
	return p.add(code, base, codes, rate)
}

// Decode returns the pixels of a frame of cells.
func (p *Predictive) Decode(x *Prediction, codes []uint32, rate clip.Rate) *clip.Clip {
	return p.add(p.side(x), p.compensated(x, codes), codes, rate)
}

// GuessWidth is the number of features of a cell that [Predictive.Guesser] makes.
func (c Config) GuessWidth() int {
	if c.Tokenizer.Motion != nil {
		return c.Tokenizer.Bits + motionFeatures
	}
	return c.Tokenizer.Bits
}

// motionFeatures are the motion of a cell in both directions, and by how much it changed.
const motionFeatures = 4

// Guesser returns a function that takes the codes of one frame of cells after the other. It
// returns the prediction of the next one: the code that it would have as a first frame, in the
// form of [Canvas.Guess]. Behind the code of a cell is its motion, down and to the right in pixels
// a frame, and by how much that is more than before.
func (p *Predictive) Guesser() func(codes []uint32) []float32 {
	c := p.cfg
	var predicted *Prediction
	before := make([]float32, 2*c.gridH()*c.gridW())
	return func(codes []uint32) (out []float32) {
		predicted = p.Predict(p.Decode(predicted, codes, clip.Rate{Num: c.Rate[0], Den: c.Rate[1]}))
		cells := predicted.field.Cells(c.gridH(), c.gridW())
		for cell, z := range c.coordinatesOf(c.loaded(predicted.Frames), p.intra) {
			out = softBits(out, z, p.intra.share)
			now, last := cells[2*cell:][:2], before[2*cell:][:2]
			out = append(out, now[0], now[1], now[0]-last[0], now[1]-last[1])
		}
		before = cells
		return out
	}
}

// coordinatesOf yields the coordinates of each cell of lapped pixels, in raster order. They are
// overwritten by the next cell's.
func (c Config) coordinatesOf(x []float32, code *transformCode) iter.Seq2[int, []float32] {
	return func(yield func(int, []float32) bool) {
		z := make([]float32, len(code.share))
		for cell := range c.gridH() * c.gridW() {
			affine(z, c.cut(nil, x, cell), code.in)
			if !yield(cell, z) {
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
		code.read(z, codes[cell*c.words():], c.Tokenizer.Bits)
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

// places yields where the bits of each coordinate begin in a code of l bits. Those of what a
// prediction lacks are written from the last one to the first, behind a motion vector. So little
// in the word of bits that is drawn with the vector depends on it.
func (t *transformCode) places(l int) iter.Seq2[int, int] {
	return func(yield func(i, at int) bool) {
		at := 0
		for i, b := range t.share {
			place := at
			if at += b; t.ladder == throughZero {
				place = l - at
			}
			if !yield(i, place) {
				return
			}
		}
	}
}

// write writes the Gray codes of coordinates to a code of l bits, as gpu/ops/gray does.
func (t *transformCode) write(code []uint32, l int, z []float32) {
	for i, at := range t.places(l) {
		writeGray(code, at, t.share[i], t.level(float64(z[i]), 1<<t.share[i]))
	}
}

// read returns the coordinates of a code of l bits.
func (t *transformCode) read(z []float32, code []uint32, l int) {
	for i, at := range t.places(l) {
		z[i] = float32(t.value(readGray(code, at, t.share[i]), 1<<t.share[i]))
	}
}

// writeGray sets the Gray code of q, of n bits from the highest, from bit at on.
func writeGray(code []uint32, at, n, q int) {
	for k := n - 1; k >= 0; k-- {
		code[at/32] |= uint32(q>>k&1^q>>(k+1)&1) << (at % 32)
		at++
	}
}

// readGray is the number that [writeGray] wrote.
func readGray(code []uint32, at, n int) (q int) {
	for range n {
		q = 2*q + int(code[at/32]>>(at%32)&1^uint32(q)&1)
		at++
	}
	return q
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
		p.intra, p.inter = c.transformOf(intra, c.Tokenizer.Bits, evenLevels), c.transformOf(inter, c.Tokenizer.Bits-vectorBits, throughZero)
		m.Intra, m.Inter = p.intra.share, p.inter.share
	}
	p.cfg = c
	return p, c.Validate()
}

// Keeps measures the tokenizer on clips. It returns the PSNR, in dB, of all first frames of cells,
// of all later ones, and of the prediction of these without motion vectors.
func (p *Predictive) Keeps(clips Clips) (first, later, predicted float64) {
	errs := make([][3]float64, clips.N) // squared errors of each clip
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wait.Go(func() {
			for i := w; i < clips.N; i += workers {
				errs[i] = p.errors(clips.Clip(i))
			}
		})
	}
	wait.Wait()
	var sums [3]float64
	for _, e := range errs {
		for k := range sums {
			sums[k] += e[k]
		}
	}
	n := float64(clips.N * p.cfg.Cell[0] * clips.Size * clips.Size * 3) // values of the first frames
	more := n * float64(clips.T/p.cfg.Cell[0]-1)
	return measure.PSNR(sums[0] / n), measure.PSNR(sums[1] / more), measure.PSNR(sums[2] / more)
}

// errors are the squared errors of a clip, of the same frames as the figures of Keeps.
func (p *Predictive) errors(x *clip.Clip) (sums [3]float64) {
	add := func(to int, a, b *clip.Clip) {
		for i, v := range a.Pix {
			d := float64(v) - float64(b.Pix[i])
			sums[to] += d * d
		}
	}
	var last *clip.Clip
	for truth := range p.cfg.frames(x) {
		guess := p.Predict(last)
		if _, last = p.Encode(guess, truth); guess == nil {
			add(0, last, truth)
			continue
		}
		add(1, last, truth)
		add(2, guess.Frames, truth)
	}
	return sums
}

// frames yields the whole frames of cells of a clip.
func (c Config) frames(x *clip.Clip) iter.Seq[*clip.Clip] {
	return func(yield func(*clip.Clip) bool) {
		for t := range x.T / c.Cell[0] {
			frame, err := x.Slice(t*c.Cell[0], (t+1)*c.Cell[0])
			if err != nil || !yield(frame) { // the loop's bounds are the clip's
				return
			}
		}
	}
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
	for truth := range c.frames(x) {
		predicted := p.Predict(last)
		lapped := c.loaded(truth)
		add(to[0], lapped, number)
		codes := p.search(predicted, truth)
		base := p.compensated(predicted, codes)
		if subtract(lapped, base); predicted != nil {
			add(to[1], lapped, number)
		}
		if last = truth; p.intra != nil {
			last = p.finish(p.side(predicted), codes, base, lapped, truth.Rate)
		}
		number++
	}
}

// transformOf shares l bits among the coefficients of a spectrum.
func (c Config) transformOf(s spectrum, l int, d ladder) *transformCode {
	for j := range s {
		s[j].look(d)
	}
	bits := s.share(l)
	w, n, px := c.transformCodec(s, bits), len(positive(bits)), c.pixels()
	return &transformCode{
		share: positive(bits), ladder: d,
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
