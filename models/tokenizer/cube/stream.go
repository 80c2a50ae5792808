package cube

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models/system"
)

// Stream codes a clip frame by frame, so that the clip need not be in memory. It holds
// one window of frames and the codes so far. Not safe for concurrent use.
type Stream struct {
	coder  *Coder
	extent system.Extent
	window *clip.Clip
	last   *clip.Clip // decoded, of a predictive tokenizer
	held   int        // frames in window
	frames int        // of the clip, so far
	codes  [][]int32  // of each window, [cells, words]
}

// Stream begins a clip of the given rate, with at most e.Tokens tokens.
func (k *Coder) Stream(rate clip.Rate, e system.Extent) *Stream {
	return &Stream{coder: k, extent: e, window: clip.New(k.window(), k.cfg.Size, k.cfg.Size, rate)}
}

// Add takes the clip's next frame, [h, w, 3] bytes of the model's size, and keeps
// nothing of it. Errors: [ErrSample] for a frame of another size, those of
// [system.Extent.CheckTokens], system.ErrClosed, gpu.ErrDeviceLost.
func (s *Stream) Add(frame []uint8) error {
	if want := len(s.window.Frame(0)); len(frame) != want {
		return fmt.Errorf("cube.Stream: %w: a frame of %d bytes, want %d", ErrSample, len(frame), want)
	}
	copy(s.window.Frame(s.held), frame)
	s.held++
	s.frames++
	if s.held < s.window.T {
		return nil
	}
	return s.encode()
}

// Sample ends the clip. If its length is no multiple of a window, it is extended by its
// last frame; only whole rows of cubes are kept, at least one. Meta keeps the frame
// count and the rate. Errors are those of Add, with [ErrSample] for a clip of no frames.
func (s *Stream) Sample(id string) (shard.Sample, error) {
	if s.frames == 0 {
		return shard.Sample{}, fmt.Errorf("cube.Stream: %w: %q has no frames", ErrSample, id)
	}
	if err := s.finish(); err != nil {
		return shard.Sample{}, err
	}
	c := s.coder.cfg
	t := s.cells()
	rate := s.window.Rate
	return shard.Sample{
		ID: id, Kind: shard.KindCube, Tokens: s.tokens(s.length()),
		Grid: []int32{int32(t), int32(c.gridH()), int32(c.gridW()), int32(c.words())},
		Meta: map[string]string{"frames": fmt.Sprint(s.frames), "rate": fmt.Sprintf("%d/%d", rate.Num, rate.Den)},
	}, nil
}

// cells is the number of frames of cells that the frames so far take, length that of tokens.
func (s *Stream) cells() int {
	c := s.coder.cfg
	return (s.frames + c.FramesPerCube() - 1) / c.FramesPerCube() * c.Group[0]
}

func (s *Stream) length() int {
	c := s.coder.cfg
	return s.cells() * c.gridH() * c.gridW() * c.words()
}

// finish encodes a window that is not full, with its last frame repeated.
func (s *Stream) finish() error {
	if len(s.codes) > 0 && s.held == s.lead() { // all of it is coded
		return nil
	}
	for t := s.held; t < s.window.T; t++ {
		copy(s.window.Frame(t), s.window.Frame(s.held-1))
	}
	return s.encode()
}

// lead is the number of frames of context at the start of every window but the first.
func (s *Stream) lead() int { return s.coder.lead() }

func (s *Stream) encode() error {
	codes, err := s.code()
	if err != nil {
		return err
	}
	if len(s.codes) > 0 { // the first cells are context, coded before
		codes = slices.Clone(codes[s.lead()*len(codes)/s.window.T:]) // without the memory of the others
	}
	// The last frames are the next window's context.
	for s.held = range s.lead() {
		copy(s.window.Frame(s.held), s.window.Frame(s.window.T-s.lead()+s.held))
	}
	s.held = s.lead()
	s.codes = append(s.codes, codes)
	if err := s.extent.CheckTokens(s.length()); err != nil {
		return fmt.Errorf("cube.Stream: %d frames: %w", s.frames, err)
	}
	return nil
}

// code codes the window.
func (s *Stream) code() ([]int32, error) {
	p := s.coder.predictive
	if p == nil {
		return s.coder.encodeWindow(s.window)
	}
	if err := s.coder.open(); err != nil {
		return nil, err
	}
	words, last := p.Encode(p.Predict(s.last), s.window)
	s.last = last
	codes := make([]int32, len(words))
	for i, w := range words {
		codes[i] = int32(w)
	}
	return codes, nil
}

// tokens returns the first n words of the windows, 32 bits a token, and lets go of the
// codes.
func (s *Stream) tokens(n int) []int64 {
	out := make([]int64, 0, n)
	for i, codes := range s.codes {
		s.codes[i] = nil
		for _, w := range codes[:min(len(codes), n-len(out))] {
			out = append(out, int64(uint32(w)))
		}
	}
	return out
}
