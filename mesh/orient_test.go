package mesh

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// mobius returns a band of n quads with half a twist.
func mobius(n int) *Mesh {
	m := &Mesh{}
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		sinA, cosA := math.Sincos(a)
		sinB, cosB := math.Sincos(a / 2)
		for _, w := range []float64{-0.3, 0.3} {
			m.AddVertex(Vec3{(1 + w*cosB) * cosA, (1 + w*cosB) * sinA, w * sinB})
		}
	}
	for i := range int32(n) {
		a, b := 2*i, 2*i+1
		c, d := a+2, b+2
		if int(i) == n-1 {
			c, d = 1, 0
		}
		m.appendFace([]int32{a, c, d, b})
	}
	return m
}

func TestOrientRepairsClosed(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for name, whole := range map[string]*Mesh{
		"cube": Cube(), "sphere": UVSphere(9, 6), "quad sphere": QuadSphere(4), "torus": Torus(9, 7, 2, 0.5),
		"two": joined(Cube(), Transformed(QuadSphere(2), Transform{Scale: 2, Offset: Vec3{9, 9, 9}}.Matrix())),
	} {
		broken := Clone(whole)
		for f := range broken.NumFaces() {
			if random.IntN(2) == 0 {
				flip(broken.Face(f))
			}
		}
		for _, m := range []*Mesh{whole, broken} {
			got, did := Orient(m)
			if did.Conflicts != 0 || !slices.Equal(got.Corners, whole.Corners) {
				t.Errorf("%s: not as it was: %+v", name, did)
			}
		}
	}
}

func TestOrientOpenKeepsMajority(t *testing.T) {
	for _, wrong := range [][]int{{3, 9}, {0, 9}} { // the first face has no say
		m := Grid(4)
		for _, f := range wrong {
			flip(m.Face(f))
		}
		got, did := Orient(m)
		if did.Flipped != 2 || !slices.Equal(got.Corners, Grid(4).Corners) {
			t.Fatalf("%v: %+v", wrong, did)
		}
	}
}

func TestOrientMobius(t *testing.T) {
	got, did := Orient(mobius(12))
	if did.Conflicts == 0 || did.Patches != 1 || got.NumFaces() != 12 {
		t.Fatalf("%+v, want conflicts", did)
	}
}
