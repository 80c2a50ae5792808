package models

import (
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/checkpoint"
	"github.com/morton-gen/morton/models/system"
)

// LookAt opens a checkpoint as [OpenPublished] does, also one that cannot run: why is then
// what OpenPublished would say. System is nil where not even the network is known.
func LookAt(path string) (p *Published, why, err error) {
	p = &Published{}
	if err := p.find(path); err != nil {
		p.Close()
		return nil, nil, err
	}
	return p, p.build(path), nil
}

// OpenCodec opens a checkpoint that is a tokenizer alone. The error wraps [ErrFolder] for
// any other, or is that of package checkpoint or of the codec.
func OpenCodec(path string) (*checkpoint.Checkpoint, system.Codec, system.Description, error) {
	c, err := checkpoint.Open(path)
	if err != nil {
		return nil, system.Codec{}, nil, err
	}
	k, err := system.DetectCodec(c)
	if err != nil {
		return nil, k, nil, errors.Join(fmt.Errorf("models: %w: %w: %s", ErrFolder, err, path), c.Close())
	}
	d, _, err := describe(k, c, path, path)
	if err != nil {
		return nil, k, nil, errors.Join(err, c.Close())
	}
	return c, k, d, nil
}

// Unfit returns a line for each tensor whose number of elements is not the network's.
func (p *Published) Unfit() (lines []string) {
	if p.System == nil {
		return nil
	}
	for _, s := range p.System.Params.Specs() {
		if shape, ok := p.Checkpoint.Shape(s.Name); ok && tensor.Elems(shape) != tensor.Elems(s.Shape) {
			lines = append(lines, fmt.Sprintf("%s %v, want %v", s.Name, shape, s.Shape))
		}
	}
	return lines
}

// Bytes is the device memory that [Open] asks for: of the generator, and of its
// tokenizer, 0 without one. Errors are the codec's.
func (p *Published) Bytes(o Options) (generator, tokenizer uint64, err error) {
	generator = o.engine(p.System).Bytes(p.System)
	if p.Description == nil {
		return generator, 0, nil
	}
	tokenizer, err = p.Description.Size(p.Tokenizer, p.System)
	return generator, tokenizer, err
}

// Classes is the number of classes that a prompt may name, 0 of a system without.
func (p *Published) Classes() int {
	return sort.Search(1<<20, func(class int) bool {
		_, err := p.System.Schedule(system.Prompt{Class: class})
		return err != nil
	})
}

// Steps counts the steps of a request, those that read the condition alone and those that
// draw tokens, and the tokens. Its prompt is the first class, or a text of one row; of a
// system that wants more, of two rows without guidance.
func (p *Published) Steps() (reading, drawing, drawn int, err error) {
	s := p.System
	prompt := system.Prompt{Guidance: float32(s.Default.Guidance)}
	if n := s.TextWidth(); n > 0 {
		prompt.Text = make([]float32, n)
	}
	runs, err := s.Schedule(prompt)
	if err != nil && s.TextWidth() > 0 {
		runs, err = s.Schedule(system.Prompt{Text: make([]float32, 2*s.TextWidth())})
	}
	if err != nil {
		return 0, 0, 0, err
	}
	tokens := make([]uint32, s.Layout.Length*s.Token.Words())
	for range 3*s.Layout.Length + 8 { // a position has two runs at most, and a frame one more
		r, err := runs.Next(tokens)
		switch {
		case err == io.EOF:
			return reading, drawing, drawn, nil
		case err != nil:
			return 0, 0, 0, err
		case r.Keep != nil: // a part of the step behind it
		case r.GroupTargets == 0:
			reading += r.Steps()
		default:
			drawing, drawn = drawing+r.Steps(), drawn+r.Targets.N
		}
	}
	return 0, 0, 0, fmt.Errorf("models: %s does not end", s.Name)
}
