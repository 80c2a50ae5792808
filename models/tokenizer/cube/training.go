package cube

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/params"
)

// Clips is a set of equal clips in memory: Pix is [n, t, size, size, 3].
type Clips struct {
	N, T, Size int
	Pix        []uint8
}

// Autoencoding is the task (see models/train) of training a tokenizer: the loss
// is the mean squared error of pixel values in [-1, 1].
type Autoencoding struct {
	cfg            Config
	net            network
	b              int                  // windows a batch
	first          map[string][]float32 // weights that a fit to the clips gives
	seed           uint64
	train, heldout Clips
	x, loss        *gpu.Tensor
	losses         *gpu.Tensor     // loss, and an element of the run's
	frozen         int             // first steps, which leave the encoder alone
	flips          []float64       // see Options
	encode         *gpu.Program    // to n.codes, with flips
	programs       [3]*gpu.Program // by part
	host           []float32
}

// Options describe a training.
type Options struct {
	Batch int // windows a step
	// Frozen is the number of first steps that train the decoder alone. The codes stand
	// still meanwhile, since noisy gradients through the quantiser would move every
	// threshold.
	Frozen int
	// Flips are chances of the bits of a code to be turned over, for a convolutional
	// autoencoder whose decoder alone is trained. Each window has them times a random
	// number from 0 to 1. So the decoder learns which bits of a generator's codes to trust,
	// and the codes stay as they are.
	Flips []float64
	Seed  uint64
	// Coarse lets the products of a convolutional autoencoder take cooperative matrices,
	// which round to 11 bits. Devices without them give the same as without Coarse.
	Coarse bool
}

// NewAutoencoding builds the programs of a training.
func NewAutoencoding(dev *gpu.Device, c Config, o Options, train, heldout Clips) (*Autoencoding, error) {
	for _, s := range []Clips{train, heldout} {
		if s.N < 1 || s.T < c.Tokenizer.Window || s.Size != c.Size || len(s.Pix) != s.N*s.T*s.Size*s.Size*3 {
			return nil, fmt.Errorf("cube: %w: %d clips of %d frames of %d, the tokenizer wants windows of %d frames of %d", ErrSample, s.N, s.T, s.Size, c.Tokenizer.Window, c.Size)
		}
	}
	weights, err := c.fit(&train)
	if err != nil {
		return nil, err
	}
	net, err := newNetwork(dev, c, o.Batch, true)
	if err != nil {
		return nil, err
	}
	if n, ok := net.(*convNet); ok {
		n.coarse = o.Coarse
	}
	e := net.extents()
	a := &Autoencoding{cfg: c, net: net, b: o.Batch, first: weights, seed: o.Seed, frozen: o.Frozen, flips: o.Flips, train: train, heldout: heldout, host: make([]float32, e[0]*e[1])}
	if a.x, err = dev.NewTensor(tensor.F32, e[0], e[1]); err != nil {
		return nil, err
	}
	if a.losses, err = dev.NewTensor(tensor.F32, net.losses()+1); err != nil {
		return nil, err
	}
	a.loss = a.losses.View(0, net.losses())
	for i := range a.programs {
		r := dev.NewRecorder()
		net.recordTraining(r, a.x, a.loss, part(i))
		if a.programs[i], err = r.Finish(); err != nil {
			return nil, err
		}
	}
	if n, ok := net.(*convNet); ok && o.Flips != nil {
		if len(o.Flips) != c.Tokenizer.Bits {
			return nil, fmt.Errorf("cube: %w: chances of %d bits for codes of %d", ErrSample, len(o.Flips), c.Tokenizer.Bits)
		}
		r := dev.NewRecorder()
		n.recordCode(r, a.x, n.codes)
		if a.encode, err = r.Finish(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// flip codes the batch, and turns bits over.
func (a *Autoencoding) flip(r *rand.Rand) error {
	codes := a.net.(*convNet).codes
	if err := errors.Join(a.x.WriteF32(a.host), a.encode.Run(1)); err != nil {
		return err
	}
	bits, err := codes.I32()
	if err != nil {
		return err
	}
	words, each := a.cfg.words(), len(bits)/a.b
	for w := range a.b {
		share := r.Float64()
		for at := w * each; at < (w+1)*each; at += words {
			for i, p := range a.flips {
				if r.Float64() < p*share {
					bits[at+i/32] ^= 1 << (i % 32)
				}
			}
		}
	}
	return codes.WriteI32(bits)
}

// Free gives all memory back.
func (a *Autoencoding) Free() {
	for _, p := range append(a.programs[:], a.encode) {
		if p != nil {
			p.Free()
		}
	}
	a.x.Free()
	a.losses.Free()
	a.net.free()
}

// Config returns the description of what is trained, with what was fitted to the clips.
func (a *Autoencoding) Config() Config { return a.cfg }

// Init draws the parameters; the linear maps start as a transform codec fitted to
// the training clips.
func (a *Autoencoding) Init(seed uint64) error {
	if err := a.net.parameters().Init(seed); err != nil {
		return err
	}
	if a.first != nil {
		return write(a.net.parameters(), a.first)
	}
	for i := range a.b {
		if err := a.set(i, &a.train, i*a.train.N/a.b, 0, false); err != nil {
			return err
		}
	}
	return a.net.start(a.host)
}

// Store returns the parameters.
func (a *Autoencoding) Store() *params.Store { return a.net.parameters() }

// set puts a window of a clip, flipped if asked, into row i of the batch.
func (a *Autoencoding) set(i int, s *Clips, n, from int, flip bool) error {
	c := s.window(n, from, a.cfg.Tokenizer.Window)
	if flip {
		mirror(c)
	}
	k := len(c.Pix)
	return a.net.load(a.host[i*k:(i+1)*k], c)
}

// Clip copies clip n.
func (s *Clips) Clip(n int) *clip.Clip { return s.window(n, 0, s.T) }

// window copies frames of a clip.
func (s *Clips) window(n, from, frames int) *clip.Clip {
	c := clip.New(frames, s.Size, s.Size, clip.Rate{Num: 1, Den: 1})
	copy(c.Pix, s.Pix[(n*s.T+from)*s.Size*s.Size*3:])
	return c
}

func mirror(c *clip.Clip) {
	for row := range c.T * c.H {
		line := c.Pix[row*c.W*3 : (row+1)*c.W*3]
		for l, r := 0, c.W-1; l < r; l, r = l+1, r-1 {
			for ch := range 3 {
				line[l*3+ch], line[r*3+ch] = line[r*3+ch], line[l*3+ch]
			}
		}
	}
}

// Batch implements train.Task.
func (a *Autoencoding) Batch(step int) (*gpu.Program, int, error) {
	r := rand.New(rand.NewPCG(a.seed, uint64(step)))
	var g errgroup.Group
	for i := range a.b {
		n, from, flip := r.IntN(a.train.N), r.IntN(a.train.T-a.cfg.Tokenizer.Window+1), r.IntN(2) == 1
		g.Go(func() error { return a.set(i, &a.train, n, from, flip) })
	}
	if err := g.Wait(); err != nil {
		return nil, 0, err
	}
	gradients := wholeNetwork
	if a.flips != nil {
		if err := a.flip(r); err != nil {
			return nil, 0, err
		}
		return a.programs[decoderOnly], a.b * a.cfg.cells(), nil
	}
	if step < a.frozen {
		gradients = decoderOnly
	}
	return a.programs[gradients], a.b * a.cfg.cells(), a.x.WriteF32(a.host)
}

// Losses implements train.Task.
func (a *Autoencoding) Losses() *gpu.Tensor { return a.losses }

// Loss implements train.Task.
func (a *Autoencoding) Loss(losses []float32) (sum float64) {
	for _, x := range losses {
		sum += float64(x)
	}
	return sum
}

// Heldout returns the mean squared error over the first window of every held-out
// clip, as far as they fill batches.
func (a *Autoencoding) Heldout() (float64, error) {
	sum, batches := 0.0, max(a.heldout.N/a.b, 1)
	for k := range batches {
		for i := range a.b {
			if err := a.set(i, &a.heldout, (k*a.b+i)%a.heldout.N, 0, false); err != nil {
				return 0, err
			}
		}
		loss, err := a.forward()
		if err != nil {
			return 0, err
		}
		sum += loss
	}
	return sum / float64(batches), nil
}

// forward runs the forward pass of the batch alone.
func (a *Autoencoding) forward() (float64, error) {
	if err := a.x.WriteF32(a.host); err != nil {
		return 0, err
	}
	if err := a.programs[noGradients].Run(1); err != nil {
		return 0, err
	}
	l, err := a.loss.F32()
	if err != nil {
		return 0, err
	}
	return a.Loss(l), nil
}
