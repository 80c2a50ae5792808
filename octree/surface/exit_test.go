package surface

import (
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree/internal/voxel"
)

// TestEndsIsABound holds that no triangle is passed over that would move an exit. Corners
// at multiples of a quarter put many triangles right on the bounds.
func TestEndsIsABound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	point := func(round bool) (p mesh.Vec3) {
		for i := range p {
			if p[i] = 4*random.Float64() - 2; round {
				p[i] = float64(random.IntN(17)-8) / 4
			}
		}
		return p
	}
	passed := 0
	for n := range 200_000 {
		a, b, c := point(n%2 == 0), point(n%2 == 0), point(n%2 == 0)
		tri := voxel.New(a, b, c)
		axis, up, far := n%3, n%5 < 2, random.Float64()*2-1
		s := tri.Slide(mesh.Vec3{}, axis, dualHalf+voxel.Tolerance)
		end := s.To
		if !up {
			end = -s.From
		}
		moves := s.From <= 0 && s.To >= 0 && end > far
		if !ends(a, b, c, mesh.Vec3{}, axis, up, far) {
			if passed++; moves {
				t.Fatalf("%v %v %v along %d, up %v: ends at %g, over %g", a, b, c, axis, up, end, far)
			}
		}
	}
	if passed < 20_000 {
		t.Errorf("%d triangles passed over", passed)
	}
}
