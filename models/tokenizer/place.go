// Package tokenizer holds what tokenizers of meshes share. Each tokenizer has a folder
// here: cube, octree and faces are Morton's own.
//
// It is not for what a tokenizer is (see system.Tokenizer).
package tokenizer

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/system"
)

// PlaceKey is the metadata in which a sample of a mesh keeps where its source was:
// {"scale": s, "offset": [x, y, z]}, with which a point p of the tokens' box is at
// s·p + offset in the source's units.
const PlaceKey = "place"

// SetPlace notes in a sample how its box leads back to its source.
func SetPlace(s *shard.Sample, back mesh.Transform) {
	data, err := json.Marshal(back)
	if err != nil { // not finite: there is no such place
		return
	}
	if s.Meta == nil {
		s.Meta = map[string]string{}
	}
	s.Meta[PlaceKey] = string(data)
}

// PlaceOf returns how a sample's box leads back to its source, and false if the
// sample does not say. The error wraps [shard.ErrSample].
func PlaceOf(s *shard.Sample) (back mesh.Transform, ok bool, err error) {
	text, ok := s.Meta[PlaceKey]
	if !ok {
		return back, false, nil
	}
	if err := json.Unmarshal([]byte(text), &back); err != nil {
		return back, false, fmt.Errorf("tokenizer.Placed: %w: %q: place: %v", shard.ErrSample, s.ID, err)
	}
	for _, x := range []float64{back.Scale, back.Offset[0], back.Offset[1], back.Offset[2]} {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return back, false, fmt.Errorf("tokenizer.Placed: %w: %q: place %s", shard.ErrSample, s.ID, text)
		}
	}
	if !(back.Scale > 0) {
		return back, false, fmt.Errorf("tokenizer.Placed: %w: %q: place with scale %g", shard.ErrSample, s.ID, back.Scale)
	}
	return back, true, nil
}

// Placed returns m where its sample's source was, or as it is if the sample does
// not say. The error wraps [shard.ErrSample].
func Placed(s *shard.Sample, m *mesh.Mesh) (*mesh.Mesh, error) {
	back, ok, err := PlaceOf(s)
	if err != nil || !ok {
		return m, err
	}
	out := &mesh.Mesh{Vertices: make([]mesh.Vec3, len(m.Vertices)), Corners: m.Corners, Starts: m.Starts}
	for i, p := range m.Vertices {
		out.Vertices[i] = back.Apply(p)
	}
	if err := out.Validate(); err != nil {
		return nil, fmt.Errorf("tokenizer.Placed: %w: %q: its place is out of range: %w", shard.ErrSample, s.ID, err)
	}
	return out, nil
}

// Source returns the mesh of media. The error wraps system.ErrPrompt if there is none.
func Source(m system.Media) (*mesh.Mesh, error) {
	if m.Mesh == nil {
		return nil, fmt.Errorf("tokenizer.Source: %w: it wants a mesh", system.ErrPrompt)
	}
	return m.Mesh, nil
}
