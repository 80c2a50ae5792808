package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/checkpoint"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// inspectCheckpoint returns the published system of a checkpoint, its parts and its
// needs. It reads only the few tensors that a system's detection uses.
func inspectCheckpoint(path string, o models.Options) (facts, error) {
	p, why, err := models.LookAt(path)
	if errors.Is(err, system.ErrUnknown) {
		return inspectTensors(path, err)
	}
	if err != nil {
		return nil, err
	}
	defer p.Close()
	var f facts
	f.add("kind", "checkpoint")
	f.add("system", p.Name)
	f.add("title", p.Title)
	f.add("paper", "arXiv:"+p.Paper)
	f.add("makes", p.Kind)
	f.addFiles(p.Checkpoint)
	if p.System != nil {
		f.addSystem(p)
	}
	f.addTokenizer(p)
	f.addNeeds(p, why, o)
	return f, nil
}

// addFiles adds a checkpoint's files.
func (f *facts) addFiles(c *checkpoint.Checkpoint) {
	f.add("format", c.Format())
	if c.Part() != "" {
		f.add("part", c.Part())
	}
	if c.Stripped() != "" {
		f.add("removed_prefix", c.Stripped())
	}
	types := map[string]int{}
	for _, name := range c.Names() {
		shape, _ := c.Shape(name)
		types[c.DType(name)] += elements(shape)
	}
	f.add("tensors", len(c.Names()))
	f.add("types", counts(types))
	f.add("bytes", c.Bytes())
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// addSystem adds a system's parts.
func (f *facts) addSystem(p *models.Published) {
	s := p.System
	f.add("parameters", s.Params.Count())
	if s.Grid != [3]int{} { // otherwise it depends on the request
		f.add("grid", s.Grid)
	}
	switch {
	case s.Token.Width > 0:
		f.add("numbers", s.Token.Width)
	case s.Token.Bits > 0:
		f.add("bits", s.Token.Bits)
	default:
		f.add("vocabulary", s.Token.Values)
	}
	f.addCondition(p)
	if stack, ok := s.Trunk.(nn.Stack); ok && len(stack) > 0 {
		f.add("layers", len(stack))
		f.add("width", stack[0].Down.Out)
		f.add("heads", stack[0].Attention.Heads)
		f.add("hidden", stack[0].Down.In)
	} else if all := s.Params.Attentions; len(all) > 0 {
		f.add("layers", len(all))
		f.add("width", all[0].Heads*all[0].HeadDim)
		f.add("heads", all[0].Heads)
	}
	f.add("head", headText(s))
	if reading, drawing, drawn, err := p.Steps(); err == nil {
		f.add("steps", drawing)
		f.add("condition_steps", reading)
		f.add("tokens", drawn)
	}
	f.add("sampling", samplingText(s.Default))
}

// addCondition adds what a request may ask for, and what else the system says of itself.
func (f *facts) addCondition(p *models.Published) {
	if n := p.System.TextWidth(); n > 0 {
		f.add("condition", fmt.Sprintf("the features of a text, %d a token", n))
	} else if n := p.Classes(); n > 0 {
		f.add("condition", fmt.Sprintf("a class, 0 to %d", n-1))
	}
	for _, x := range p.System.Facts {
		f.add(x.Name, x.Value)
	}
}

// headText describes the distribution that tokens are sampled from.
func headText(s *system.System) string {
	text := fmt.Sprintf("%d logits", s.Head.Outputs())
	if _, ok := s.Head.(system.Refiner); ok {
		return fmt.Sprintf("a denoiser of width %d", s.Head.Outputs())
	}
	if s.Token.Width > 0 {
		return fmt.Sprintf("numbers of a hidden state of width %d", s.Head.Outputs())
	}
	if d := s.Layout.Directions; d > 1 {
		text += fmt.Sprintf(", the mean of %d directions", d)
	}
	if stack, ok := s.Trunk.(nn.Stack); ok && len(s.Params.Attentions) > len(stack) {
		text += fmt.Sprintf(", behind %s of its own", many(len(s.Params.Attentions)-len(stack), "block"))
	}
	return text
}

func samplingText(s system.Sampling) string {
	words := []string{fmt.Sprintf("temperature %g", s.Temperature)}
	for _, x := range []struct {
		name  string
		value float64
	}{{"top-k", float64(s.TopK)}, {"top-p", s.TopP}, {"min-p", s.MinP}, {"guidance", s.Guidance}} {
		if x.value > 0 {
			words = append(words, fmt.Sprintf("%s %g", x.name, x.value))
		}
	}
	return strings.Join(words, ", ")
}

// addTokenizer adds the tokenizer beside a generator.
func (f *facts) addTokenizer(p *models.Published) {
	if p.Tokenizer == nil {
		f.add("tokenizer", "none beside it")
		return
	}
	f.add("tokenizer", p.TokenizerPath)
	if p.Description == nil {
		return
	}
	f.addCodec(p.Tokenizer, p.Description)
	if p.System == nil {
		return
	}
	if format, err := p.Description.Fit(p.System); err == nil && format.Side > 0 {
		w, h := p.System.Grid[2]*format.Side, p.System.Grid[1]*format.Side
		if format.H > 0 { // zero if its tokens have no positions
			w, h = format.W, format.H
		}
		f.add("picture", fmt.Sprintf("%d by %d pixels", w, h))
	}
}

func (f *facts) addCodec(c *checkpoint.Checkpoint, d system.Description) {
	for _, x := range d.Facts() {
		f.add(x.Name, x.Value)
	}
	f.add("tokenizer_halves", halvesText(c))
}

// halvesText names the halves of a tokenizer in a checkpoint.
func halvesText(c *checkpoint.Checkpoint) string {
	var halves []string
	for _, half := range []string{"encoder", "decoder"} {
		if len(c.Sub(half+".").Names()) > 0 {
			halves = append(halves, half)
		}
	}
	return strings.Join(halves, " and ")
}

// addNeeds adds the memory that a system needs, and why it cannot run, if so.
func (f *facts) addNeeds(p *models.Published, why error, o models.Options) {
	if p.System != nil {
		missing := p.System.Params.Missing(p.Weights())
		if len(missing) > 0 {
			f.add("missing", names(missing))
		}
		if unfit := p.Unfit(); len(unfit) > 0 {
			f.add("unfit", names(unfit))
			why = fmt.Errorf("%w: %s", nn.ErrWeights, unfit[0])
		}
		why = errors.Join(why, o.Precision.Check(p.System.Params))
		generator, tokenizer, err := p.Bytes(o)
		f.add("memory", memoryText(generator, tokenizer))
		f.add("memory_bytes", generator+tokenizer)
		why = cmp.Or(why, p.Usable(), err)
	}
	if why != nil {
		f.add("runs", "no: "+firstLine(plain(why)))
	} else {
		f.add("runs", "yes")
	}
}

func memoryText(generator, tokenizer uint64) string {
	return fmt.Sprintf("%s of the device: %s for the generator, %s for the tokenizer",
		bytesText(int64(generator+tokenizer)), bytesText(int64(generator)), bytesText(int64(tokenizer)))
}

// shownTensors is the number of tensors listed for an unknown checkpoint.
const shownTensors = 8

// inspectTensors describes a checkpoint of an unknown system. unknown is the reason,
// for a folder with ambiguous files.
func inspectTensors(path string, unknown error) (facts, error) {
	if c, k, d, err := models.OpenCodec(path); err == nil {
		defer c.Close()
		var f facts
		f.add("kind", k.Kind+" tokenizer")
		f.addFiles(c)
		f.addCodec(c, d)
		return f, nil
	}
	c, err := checkpoint.Open(path)
	if errors.Is(err, checkpoint.ErrAmbiguous) || errors.Is(err, checkpoint.ErrFormat) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var f facts
	f.add("kind", c.Format())
	f.add("system", "none that this build knows")
	f.addFiles(c)
	parameters := 0
	for _, name := range c.Names() {
		shape, _ := c.Shape(name)
		parameters += elements(shape)
	}
	f.add("parameters", parameters)
	metadata := c.Metadata()
	for _, k := range slices.Sorted(maps.Keys(metadata)) {
		f.add("metadata."+k, metadata[k])
	}
	var first names
	for _, name := range c.Names()[:min(len(c.Names()), shownTensors)] {
		shape, _ := c.Shape(name)
		first = append(first, fmt.Sprintf("%s %s %v", name, c.DType(name), shape))
	}
	f.add("first_tensors", first)
	return f, nil
}
