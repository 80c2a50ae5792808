package cube

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/clip/motion"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/models/nn"
)

// Canvas guesses the codes of the next frame of cells from those of the last one, without
// a network: a linear map turns codes into rough pixels, motion goes on (see
// codecs/clip/motion), and a linear map turns what comes of a cell, with its last code,
// into the coordinates of its next code. Both maps are fitted by least squares, see
// [FitCanvas]. Safe for concurrent use.
type Canvas struct {
	cfg Config
	// pixels maps coordinates and 1 to the pixels of a cell, [coordinates+1, pixels]; next
	// maps pixels, coordinates and 1 to coordinates, [pixels+coordinates+1, coordinates].
	pixels, next []float32
}

// Names of the tensors of a canvas.
const (
	canvasPixels = "pixels.weight"
	canvasNext   = "next.weight"
)

// LoadCanvas reads what [Canvas.Save] wrote. Errors: nn.ErrConfig, nn.ErrWeights.
func LoadCanvas(c Config, f *safetensors.File) (*Canvas, error) {
	k := &Canvas{cfg: c}
	n, px := k.coordinates(), c.pixels()
	for _, x := range []struct {
		to         *[]float32
		name       string
		rows, cols int
	}{{&k.pixels, canvasPixels, n + 1, px}, {&k.next, canvasNext, px + n + 1, n}} {
		t, err := f.Tensor(x.name)
		if err != nil {
			return nil, fmt.Errorf("cube.LoadCanvas: %w: %w", nn.ErrWeights, err)
		}
		if len(t.Shape) != 2 || t.Shape[0] != x.rows || t.Shape[1] != x.cols {
			return nil, fmt.Errorf("cube.LoadCanvas: %w: %s is %v, want [%d %d]", nn.ErrWeights, x.name, t.Shape, x.rows, x.cols)
		}
		if *x.to, err = t.Float32s(); err != nil {
			return nil, fmt.Errorf("cube.LoadCanvas: %w: %w", nn.ErrWeights, err)
		}
	}
	return k, nil
}

// Save writes the canvas to a safetensors file.
func (k *Canvas) Save(path string) error {
	n, px := k.coordinates(), k.cfg.pixels()
	pixels, err1 := safetensors.FromFloat32s(canvasPixels, safetensors.F16, []int{n + 1, px}, k.pixels)
	next, err2 := safetensors.FromFloat32s(canvasNext, safetensors.F16, []int{px + n + 1, n}, k.next)
	return errors.Join(err1, err2, safetensors.Write(path, []safetensors.NamedTensor{pixels, next}, nil))
}

func (k *Canvas) coordinates() int { return len(k.cfg.Tokenizer.Conv.Share) }

// Guess returns what the next frame of cells looks like: for each cell and bit of its
// code a number from -1 to 1, [cells, bits], whose sign is the bit guessed and which is 0
// where the coordinate lies between both. Codes are those of the last frame of cells, in
// raster order, [cells, words].
func (k *Canvas) Guess(codes []uint32) []float32 {
	n, last := k.coordinates(), k.expand(codes)
	moved := k.cfg.loaded(motion.Continue(k.draw(last), k.cfg.Cell[0]))
	z := make([]float32, n)
	out := make([]float32, 0, len(last)/n*k.cfg.Tokenizer.Bits)
	in := make([]float32, 0, k.cfg.pixels()+n)
	for cell := range len(last) / n {
		in = append(k.cfg.cut(in[:0], moved, cell), last[cell*n:(cell+1)*n]...)
		affine(z, in, k.next)
		out = softBits(out, z, k.cfg.Tokenizer.Conv.Share)
	}
	return out
}

// affine writes x·w + the last row of w to out; w is [len(x)+1, len(out)].
func affine(out, x, w []float32) {
	n := len(out)
	copy(out, w[len(x)*n:])
	i := 0
	for ; i+4 <= len(x); i += 4 { // four rows at a time, which spares writes
		a, b, c, d := x[i], x[i+1], x[i+2], x[i+3]
		p, q, r, t := w[i*n:][:n], w[(i+1)*n:][:n], w[(i+2)*n:][:n], w[(i+3)*n:][:n]
		for j := range out {
			out[j] += float32(a*p[j]) + float32(b*q[j]) + (float32(c*r[j]) + float32(d*t[j]))
		}
	}
	for ; i < len(x); i++ {
		for j, u := range w[i*n:][:n] {
			out[j] += float32(x[i] * u)
		}
	}
}

// expand returns the coordinates of codes.
func (k *Canvas) expand(codes []uint32) (out []float32) {
	code := &transformCode{share: k.cfg.Tokenizer.Conv.Share}
	z, words := make([]float32, len(code.share)), k.cfg.words()
	for at := 0; at < len(codes); at += words {
		code.read(z, codes[at:], k.cfg.Tokenizer.Bits)
		out = append(out, z...)
	}
	return out
}

// valueOf is the coordinate that level q of l stands for, as in gpu/ops/gray.
func valueOf(q, l int) float64 { return 0.5 * math.Log(float64(2*q+1)/float64(2*(l-q)-1)) }

// Guesser returns Guess, which needs nothing but the codes of the last frame of cells.
func (k *Canvas) Guesser() func(codes []uint32) []float32 { return k.Guess }

// softBits appends the bits of the Gray codes of coordinates, without rounding.
func softBits(out, z []float32, share []int) []float32 {
	for i, b := range share {
		s := math.Tanh(float64(z[i]))
		for range b {
			out = append(out, float32(s))
			s = 1 - 2*math.Abs(s) // a bit tells on which side of the middle of a half the level is
		}
	}
	return out
}

// draw returns the rough pixels of a frame of cells, whose coordinates are z, [cells, coordinates].
func (k *Canvas) draw(z []float32) *clip.Clip {
	c, n := k.cfg, k.coordinates()
	x := make([]float32, c.Size*c.Size*c.values())
	px := make([]float32, c.pixels())
	for cell := range len(z) / n {
		affine(px, z[cell*n:(cell+1)*n], k.pixels)
		from := 0
		for line := range c.lines(x, cell) {
			from += copy(line, px[from:])
		}
	}
	out := clip.New(c.Cell[0], c.Size, c.Size, clip.Rate{Num: c.Rate[0], Den: c.Rate[1]})
	c.unload(out, x)
	return out
}

// loaded returns the pixels of a frame of cells as the network reads them.
func (c Config) loaded(f *clip.Clip) []float32 {
	x := make([]float32, len(f.Pix))
	c.load(x, f)
	return x
}

// cut appends the pixels of a cell of a frame of cells in the network's order.
func (c Config) cut(out, x []float32, cell int) []float32 {
	for line := range c.lines(x, cell) {
		out = append(out, line...)
	}
	return out
}

// lines are those of a cell's pixels in a frame of cells in the network's order.
func (c Config) lines(x []float32, cell int) iter.Seq[[]float32] {
	return func(yield func([]float32) bool) {
		y0, x0, values := cell/c.gridW()*c.Cell[1], cell%c.gridW()*c.Cell[2], c.values()
		for y := range c.Cell[1] {
			if !yield(x[((y0+y)*c.Size+x0)*values:][:c.Cell[2]*values]) {
				return
			}
		}
	}
}

// canvasCells is the number of cells that a canvas is fitted to at most.
const canvasCells = 24000

// FitCanvas fits a canvas to some of n clips and their codes, as [Coder.Encode] gives them.
// The error wraps nn.ErrConfig or [ErrSample].
func FitCanvas(c Config, n int, clips func(i int) (*clip.Clip, []uint32)) (*Canvas, error) {
	if c.Tokenizer.Conv == nil {
		return nil, fmt.Errorf("cube.FitCanvas: %w: only convolutional tokenizers have coordinates", nn.ErrConfig)
	}
	f := fitting{Canvas: Canvas{cfg: c}}
	cells := c.gridH() * c.gridW()
	for at := 0; at < n && len(f.examples)*cells < canvasCells; {
		truth, codes := clips(at)
		frames := truth.T / c.Cell[0]
		if frames < 2 || len(codes) != frames*cells*c.words() {
			return nil, fmt.Errorf("cube.FitCanvas: %w: %d words of a clip of %d frames", ErrSample, len(codes), truth.T)
		}
		if err := f.take(truth, f.expand(codes), frames); err != nil {
			return nil, err
		}
		at += max(n*cells*frames/canvasCells, 1)
	}
	if err := errors.Join(f.fitPixels(), f.fitNext()); err != nil {
		return nil, fmt.Errorf("cube.FitCanvas: %w: %w", nn.ErrConfig, err)
	}
	return &f.Canvas, nil
}

// fitting is a canvas that is being fitted.
type fitting struct {
	Canvas
	examples []example
}

// example is a frame of cells.
type example struct {
	truth       *clip.Clip
	coordinates []float32 // [cells, coordinates]
	after       []float32 // of the next frame of cells; nil for the last
}

// take takes the frames of cells of a clip.
func (f *fitting) take(c *clip.Clip, z []float32, frames int) error {
	each, n := len(z)/frames, f.cfg.Cell[0]
	for t := range frames {
		truth, err := c.Slice(t*n, (t+1)*n)
		if err != nil {
			return err
		}
		x := example{truth: truth, coordinates: z[t*each : (t+1)*each]}
		if t+1 < frames {
			x.after = z[(t+1)*each : (t+2)*each]
		}
		f.examples = append(f.examples, x)
	}
	return nil
}

func (f *fitting) fitPixels() (err error) {
	n := f.coordinates()
	fit := newLeastSquares(n+1, f.cfg.pixels())
	for _, x := range f.examples {
		truth := f.cfg.loaded(x.truth)
		for cell := range len(x.coordinates) / n {
			in := slices.Clone(x.coordinates[cell*n : (cell+1)*n])
			fit.add(append(in, 1), f.cfg.cut(nil, truth, cell))
		}
	}
	f.Canvas.pixels, err = fit.solve(ridge)
	return err
}

func (f *fitting) fitNext() (err error) {
	n := f.coordinates()
	fit := newLeastSquares(f.cfg.pixels()+n+1, n)
	for _, x := range f.examples {
		if x.after == nil {
			continue
		}
		moved := f.cfg.loaded(motion.Continue(f.draw(x.coordinates), f.cfg.Cell[0]))
		for cell := range len(x.coordinates) / n {
			in := append(f.cfg.cut(nil, moved, cell), x.coordinates[cell*n:(cell+1)*n]...)
			fit.add(append(in, 1), x.after[cell*n:(cell+1)*n])
		}
	}
	f.next, err = fit.solve(ridge)
	return err
}

// ridge is added to the squares of each input, as a share of their mean.
const ridge = 1e-3
