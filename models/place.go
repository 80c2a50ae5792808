package models

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
)

// placeKey is the metadata in which a sample of a mesh keeps where its source was:
// {"scale": s, "offset": [x, y, z]}, with which a point p of the tokens' box is at
// s·p + offset in the source's units.
const placeKey = "place"

// setPlace notes in a sample how its box leads back to its source.
func setPlace(s *shard.Sample, back mesh.Transform) {
	data, err := json.Marshal(back)
	if err != nil { // not finite: there is no such place
		return
	}
	if s.Meta == nil {
		s.Meta = map[string]string{}
	}
	s.Meta[placeKey] = string(data)
}

// placeOf returns how a sample's box leads back to its source, and false if the
// sample does not say. The error wraps [shard.ErrSample].
func placeOf(s *shard.Sample) (back mesh.Transform, ok bool, err error) {
	text, ok := s.Meta[placeKey]
	if !ok {
		return back, false, nil
	}
	if err := json.Unmarshal([]byte(text), &back); err != nil {
		return back, false, fmt.Errorf("models: %w: %q: place: %v", shard.ErrSample, s.ID, err)
	}
	for _, x := range []float64{back.Scale, back.Offset[0], back.Offset[1], back.Offset[2]} {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return back, false, fmt.Errorf("models: %w: %q: place %s", shard.ErrSample, s.ID, text)
		}
	}
	if !(back.Scale > 0) {
		return back, false, fmt.Errorf("models: %w: %q: place with scale %g", shard.ErrSample, s.ID, back.Scale)
	}
	return back, true, nil
}

// placed returns m where its sample's source was, or as it is if the sample does
// not say.
func placed(s *shard.Sample, m *mesh.Mesh) (*mesh.Mesh, error) {
	back, ok, err := placeOf(s)
	if err != nil || !ok {
		return m, err
	}
	out := &mesh.Mesh{Vertices: make([]mesh.Vec3, len(m.Vertices)), Corners: m.Corners, Starts: m.Starts}
	for i, p := range m.Vertices {
		out.Vertices[i] = back.Apply(p)
	}
	if err := out.Validate(); err != nil {
		return nil, fmt.Errorf("models: %w: %q: its place is out of range: %w", shard.ErrSample, s.ID, err)
	}
	return out, nil
}
