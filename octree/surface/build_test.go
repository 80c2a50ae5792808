package surface_test

import (
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/testmesh"
	"github.com/morton-gen/morton/octree/surface"
)

func TestProbe(t *testing.T) {
	for _, p := range append(testmesh.Fixtures(t, "../.."), "") {
		m := testmesh.Sphere(mesh.Vec3{}, 0.7, 40)
		if p != "" {
			m = testmesh.ReadOBJ(t, p)
			m = octree.Fit(m, 0.9).Mesh(m)
		}
		for _, d := range []int{5, 7} {
			o, codes, parts, err := surface.Build(m, d)
			if err != nil {
				t.Fatal(err)
			}
			out, rep, err := surface.Extract(o, codes)
			if err != nil {
				t.Fatal(err)
			}
			checkManifold(t, out)
			t.Logf("%s d%d leaves %d quads %d parts %+v active %d idle %d added %d split %d untangled %d disputed %d thin %d vol %.4f", p, d, o.Len(d), out.NumFaces(), parts, rep.Active, rep.Idle, rep.Added, rep.Split, rep.Untangled, rep.Disputed, rep.Thin, volume(out))
		}
	}
}
