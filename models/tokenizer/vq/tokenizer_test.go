package vq

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// named are the tensors of a checkpoint by their names alone.
type named []string

func (n named) Names() []string { return n }

func (n named) Shape(name string) ([]int, bool) {
	for _, x := range n {
		if x == name {
			return []int{1}, true
		}
	}
	return nil, false
}

func (n named) Floats(name string) ([]float32, error) {
	return nil, fmt.Errorf("%w: %s", nn.ErrWeights, name)
}

// TestCodecIsFound finds the codec of a checkpoint, of a kind of samples, and by its
// description, and nothing else's.
func TestCodecIsFound(t *testing.T) {
	w := named{"quantize.embedding.weight", "decoder.conv_blocks.4.res.0.conv1.weight"}
	k, err := system.DetectCodec(w)
	if err != nil || k.Name != "vq" || k.Kind != system.Image {
		t.Fatalf("%+v, %v", k, err)
	}
	if _, err := system.DetectCodec(w[1:]); !errors.Is(err, system.ErrUnknown) {
		t.Errorf("a checkpoint without a code book: %v", err)
	}
	if k, err := system.CodecOf(shard.KindVQ); err != nil || k.Name != "vq" {
		t.Errorf("%+v, %v", k, err)
	}
	if _, err := system.CodecOf(shard.KindCube); !errors.Is(err, system.ErrUnknown) {
		t.Errorf("cube: %v", err)
	}
	for text, want := range map[string]bool{`{"codebook_size": 8}`: true, `{"dim": 8}`: false, `[]`: false, "": false} {
		if k.Describes(json.RawMessage(text)) != want {
			t.Errorf("%q is a description: %v", text, !want)
		}
	}
}

// TestDescriptionFits describes the two published sizes, and refuses generators with
// another number of codes.
func TestDescriptionFits(t *testing.T) {
	for side, w := range map[int]named{8: {"quantize.embedding.weight"}, 16: {"quantize.embedding.weight", "decoder.conv_blocks.4.res.0.conv1.weight"}} {
		d, err := describe(nil, w)
		if err != nil {
			t.Fatal(err)
		}
		s := &system.System{Token: system.Token{Sub: 1, Values: 16384}, Grid: [3]int{1, 4, 4}}
		if f, err := d.Fit(s); err != nil || f != (system.Format{Side: side}) {
			t.Errorf("%+v, %v, want side %d", f, err, side)
		}
		s.Token.Values++
		if _, err := d.Fit(s); err == nil {
			t.Error("16385 values fit 16384 codes")
		}
		if len(d.Facts()) != 3 {
			t.Errorf("%v", d.Facts())
		}
	}
	if d, err := describe(json.RawMessage(`{"codebook_size": 1}`), named{}); !errors.Is(err, ErrConfig) || d != nil {
		t.Errorf("one code: %v, %v", d, err)
	}
}
