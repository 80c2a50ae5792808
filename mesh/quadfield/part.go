package quadfield

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// part moves surfaces apart that meet along an edge, as the slats of a crate do: read
// back from a file, such an edge would have four faces. All surfaces but the first move
// inward, by a hundred-thousandth of the longest side. Surfaces that only share a vertex
// stay.
func (p *patch) part() {
	const inward = 5 // cells
	place, cell := p.places()
	faces := map[[2]int32]int{} // at each edge
	for _, face := range p.faces {
		for i, v := range face {
			faces[key(place[v], place[face[(i+1)%len(face)]])]++
		}
	}
	var shared []int32
	seen := make([]bool, len(p.at))
	for _, face := range p.faces {
		for i, v := range face {
			w := face[(i+1)%len(face)]
			for _, u := range [2]int32{v, w} {
				if faces[key(place[v], place[w])] > 2 && !seen[u] {
					seen[u] = true
					shared = append(shared, u)
				}
			}
		}
	}
	normal := p.normals()
	before := map[int32]float64{} // [place] vertices
	for _, v := range shared {
		p.at[v] = p.at[v].Sub(normal[v].Scale(inward * cell * before[place[v]]))
		before[place[v]]++
	}
}

// places numbers the cells that vertices are in, of the size of the shortest edge.
func (p *patch) places() (place []int32, cell float64) {
	lo, hi := mesh.Bounds(&mesh.Mesh{Vertices: p.at})
	d := hi.Sub(lo)
	cell = shortest * max(d[0], d[1], d[2])
	place = make([]int32, len(p.at))
	known := map[[3]float64]int32{}
	for v, at := range p.at {
		k := [3]float64{math.Round(at[0] / cell), math.Round(at[1] / cell), math.Round(at[2] / cell)}
		if _, ok := known[k]; !ok {
			known[k] = int32(len(known))
		}
		place[v] = known[k]
	}
	return place, cell
}
