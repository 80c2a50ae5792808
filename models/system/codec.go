package system

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/nn"
)

// Codec is a tokenizer with a checkpoint of its own, which stands beside a generator's.
type Codec struct {
	Name    string // as tables name it
	Kind    string // of media, such as [Image]
	Samples string // kind of its samples, see shard.Sample
	// Tensors are names that only its checkpoints have together.
	Tensors []string
	// Without are names that its checkpoints do not have, but those of another codec with
	// the same Tensors.
	Without []string
	// Fields are those of a config.json by which its descriptions are told from a
	// generator's: one of them is there.
	Fields []string
	// Describe reads a description, and without one (nil) the tensors' names and shapes.
	// Errors are the codec's own.
	Describe func(config json.RawMessage, w nn.Weights) (Description, error)
}

// Description is a codec's checkpoint that nothing is loaded of yet. Printed with %+v, it
// is equal for equal ones.
type Description interface {
	// Fit returns the format of a system's media, or why its tokens are not the codec's.
	Fit(s *System) (Format, error)
	// Size is the device memory that Load asks for.
	Size(w nn.Weights, s *System) (uint64, error)
	// Load opens the tokenizer for a system's media.
	Load(dev *gpu.Device, w nn.Weights, s *System) (Tokenizer, error)
	// Facts say for people what it is.
	Facts() []Fact
}

// Fact is a named value for people.
type Fact struct{ Name, Value string }

var codecs []Codec

// RegisterCodec adds a codec. It panics if the name is taken, since that is a mistake of
// ours.
func RegisterCodec(c Codec) {
	if slices.ContainsFunc(codecs, func(d Codec) bool { return d.Name == c.Name }) {
		panic(fmt.Sprintf("system: the codec %q is registered twice", c.Name))
	}
	codecs = append(codecs, c)
}

// DetectCodec returns the codec of a checkpoint. Where the names of several are there, it
// takes the one that asks for the most names. The error wraps [ErrUnknown].
func DetectCodec(w nn.Weights) (Codec, error) {
	best := -1
	for i, c := range codecs {
		has := func(name string) bool { _, ok := w.Shape(name); return ok }
		if all(c.Tensors, has) && !slices.ContainsFunc(c.Without, has) && (best < 0 || len(c.Tensors) > len(codecs[best].Tensors)) {
			best = i
		}
	}
	if best < 0 {
		return Codec{}, fmt.Errorf("system: %w: it has %d tensors, and no codec's", ErrUnknown, len(w.Names()))
	}
	return codecs[best], nil
}

// CodecOf returns the codec that makes samples of a kind. The error wraps [ErrUnknown].
func CodecOf(samples string) (Codec, error) {
	i := slices.IndexFunc(codecs, func(c Codec) bool { return c.Samples == samples })
	if i < 0 {
		return Codec{}, fmt.Errorf("system: %w: no codec makes samples of kind %q", ErrUnknown, samples)
	}
	return codecs[i], nil
}

// HasCodec reports whether there is a codec for a kind of media.
func HasCodec(kind string) bool {
	return slices.ContainsFunc(codecs, func(c Codec) bool { return c.Kind == kind })
}

// Describes reports whether a config.json is one of the codec's and not a generator's.
func (c *Codec) Describes(config json.RawMessage) bool {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(config, &fields) // what is no object describes nothing
	return slices.ContainsFunc(c.Fields, func(name string) bool { _, ok := fields[name]; return ok })
}
