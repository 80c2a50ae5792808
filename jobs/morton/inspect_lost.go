package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// lostDepths are the octree depths for which inspect measures losses.
var lostDepths = []int{4, 5, 6, 7}

// lostFaces is the largest mesh for which inspect does so by default: it takes a
// core about two seconds.
const lostFaces = 50_000

// addLost adds what octrees lose of a mesh, as the last fact since it has a line
// per depth. A mesh that no octree accepts is still inspected.
func (f *facts) addLost(m *mesh.Mesh, asked bool) {
	if m.NumFaces() > lostFaces && !asked {
		f.add("lost", skipped(fmt.Sprintf("not measured, over %d faces: --lost measures it", lostFaces)))
		return
	}
	fitted := octree.Fit(m, surface.FitExtent).Mesh(m)
	var all losses
	for _, depth := range lostDepths {
		l, err := surface.MeasureLoss(fitted, depth)
		if err != nil {
			f.add("lost", skipped("not measured: "+err.Error()))
			return
		}
		all = append(all, l)
	}
	f.add("lost", all)
}

// skipped is the reason for a missing value; in JSON it is null.
type skipped string

// MarshalJSON returns null.
func (skipped) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// losses is printed as a line per depth, and is a list in JSON.
type losses []surface.Loss

func (l losses) String() string {
	lines := make([]string, len(l))
	for i, x := range l {
		lines[i] = fmt.Sprintf("depth %d: %s", x.Depth, lostText(x))
	}
	return strings.Join(lines, "\n\t")
}

func lostText(l surface.Loss) string {
	var parts []string
	if l.Share > 0 {
		parts = append(parts, fmt.Sprintf("%.2g%% of the surface", 100*l.Share))
	}
	if l.Parts > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d parts whole", l.Parts, l.Of))
	}
	if l.Buried > 0 {
		parts = append(parts, fmt.Sprintf("%d parts inside others", l.Buried))
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing")
	}
	if l.Thickened > 0 {
		parts = append(parts, fmt.Sprintf("walls thickened in %d cells", l.Thickened))
	}
	return strings.Join(parts, ", ")
}

// marshalList encodes a nil list as an empty one.
func marshalList[T any](list []T) ([]byte, error) {
	if list == nil {
		list = []T{}
	}
	return json.Marshal(list)
}
