package gltf

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
)

// soup is the surface of one object before welding: the vertices of all its
// primitives in sequence, and their faces.
type soup struct {
	points  []mesh.Vec3
	weights []rig.Influences // of the points; nil if nobody asks for them
	corners []int32
	starts  []int32 // [f+1]
	dropped int     // faces with fewer than three distinct corners
}

// addFace appends a face unless it has fewer than three corners once equal
// neighbours are merged.
func (s *soup) addFace(face []int32, mirrored bool) {
	at := len(s.corners)
	for _, c := range face {
		if len(s.corners) == at || s.corners[len(s.corners)-1] != c {
			s.corners = append(s.corners, c)
		}
	}
	for len(s.corners) > at+1 && s.corners[at] == s.corners[len(s.corners)-1] {
		s.corners = s.corners[:len(s.corners)-1]
	}
	if len(s.corners) < at+3 {
		s.corners = s.corners[:at]
		s.dropped++
		return
	}
	if mirrored {
		slices.Reverse(s.corners[at+1:]) // The first corner stays first.
	}
	s.starts = append(s.starts, int32(len(s.corners)))
}

func (s *soup) faces(yield func(face []int32)) {
	at := int32(0)
	for _, end := range s.starts {
		yield(s.corners[at:end])
		at = end
	}
}

// checkFinite returns an error for a non-finite vertex: any if all is set, else
// one that a face uses.
func (s *soup) checkFinite(all bool) error {
	check := func(v int32) error {
		if !s.points[v].IsFinite() {
			return fmt.Errorf("%w: vertex %d is %v", mesh.ErrNotFinite, v, s.points[v])
		}
		return nil
	}
	if all {
		for v := range s.points {
			if err := check(int32(v)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, v := range s.corners {
		if err := check(v); err != nil {
			return err
		}
	}
	return nil
}

// weld returns s with every position once, in order of first appearance, and
// without unused vertices. glTF splits a vertex where normals or texture
// coordinates jump.
func (s *soup) weld() *soup {
	used := make([]bool, len(s.points))
	for _, c := range s.corners {
		used[c] = true
	}
	out := new(soup)
	first := make(map[mesh.Vec3]int32)
	to := make([]int32, len(s.points))
	for v, p := range s.points {
		if !used[v] {
			continue
		}
		p = p.Add(mesh.Vec3{}) // -0 becomes 0.
		at, ok := first[p]
		if !ok {
			at = int32(len(out.points))
			first[p] = at
			out.points = append(out.points, p)
			if s.weights != nil {
				out.weights = append(out.weights, s.weights[v])
			}
		}
		to[v] = at
	}
	var face []int32
	s.faces(func(old []int32) {
		face = face[:0]
		for _, c := range old {
			face = append(face, to[c])
		}
		out.addFace(face, false)
	})
	out.dropped += s.dropped
	return out
}

// appendTo adds s to m, and reports whether there was anything to add.
func (s *soup) appendTo(m *mesh.Mesh) bool {
	if len(s.starts) == 0 && len(s.points) == 0 {
		return false
	}
	base, corner := int32(len(m.Vertices)), int32(len(m.Corners))
	m.Vertices = append(m.Vertices, s.points...)
	for _, c := range s.corners {
		m.Corners = append(m.Corners, base+c)
	}
	if len(m.Starts) == 0 && len(s.starts) > 0 {
		m.Starts = append(m.Starts, 0)
	}
	for _, end := range s.starts {
		m.Starts = append(m.Starts, corner+end)
	}
	return true
}
