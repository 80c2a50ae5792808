package remesh

import (
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// links knows what lies beside what in a closed mesh of quads. Half-edge h goes
// from corner h to the next corner of its face h/4.
type links struct {
	corners []int32 // [h] vertex where h begins
	twin    []int32 // [h] the half-edge back
	first   []int32 // [v+1] offsets into at
	at      []int32 // half-edges that begin at a vertex
}

// next returns the half-edge after h in its face.
func next(h int32) int32 { return h&^3 | (h+1)&3 }

// end returns the vertex where h ends.
func (l *links) end(h int32) int32 { return l.corners[next(h)] }

// around returns the half-edges that begin at v.
func (l *links) around(v int32) []int32 { return l.at[l.first[v]:l.first[v+1]] }

func newLinks(m *mesh.Mesh) *links {
	l := &links{corners: m.Corners, first: make([]int32, len(m.Vertices)+1), at: make([]int32, len(m.Corners))}
	for _, v := range m.Corners {
		l.first[v+1]++
	}
	for v := range m.Vertices {
		l.first[v+1] += l.first[v]
	}
	fill := slices.Clone(l.first)
	for h, v := range m.Corners {
		l.at[fill[v]] = int32(h)
		fill[v]++
	}
	l.findTwins()
	return l
}

func (l *links) findTwins() {
	l.twin = make([]int32, len(l.corners))
	for h, from := range l.corners {
		for _, back := range l.around(l.end(int32(h))) {
			if l.end(back) == from {
				l.twin[h] = back
			}
		}
	}
}
