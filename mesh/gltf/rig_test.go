package gltf

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
)

// arm is a tube of quads along x on three joints and a side branch. Weights are smooth, and some
// vertices follow four joints.
func arm() *rig.Rig {
	const rings, sides = 12, 8
	r := &rig.Rig{Mesh: &mesh.Mesh{}, Joints: []rig.Joint{
		{Name: "shoulder", At: mesh.Vec3{0, 0, 0}, Parent: rig.NoParent},
		{Name: "elbow \"left\"", At: mesh.Vec3{1, 0, 0.1}, Parent: 0},
		{At: mesh.Vec3{2, 0, 0}, Parent: 1},
		{Name: "fin", At: mesh.Vec3{0.5, 1, 0}, Parent: 0},
	}}
	for i := range rings + 1 {
		for k := range sides {
			sin, cos := math.Sincos(2 * math.Pi * float64(k) / sides)
			p := mesh.Vec3{2 * float64(i) / rings, 0.3 * cos, 0.3 * sin}
			r.Mesh.AddVertex(p)
			var all []rig.Influence
			for j, x := range r.Joints {
				d := x.At.Sub(p)
				all = append(all, rig.Influence{Joint: j, Weight: math.Exp(-3 * d.Dot(d))})
			}
			r.Weights = append(r.Weights, rig.NewInfluences(all...))
		}
	}
	for i := range int32(rings) {
		for k := range int32(sides) {
			next := (k + 1) % sides
			if err := r.Mesh.AddFace(i*sides+k, i*sides+next, (i+1)*sides+next, (i+1)*sides+k); err != nil {
				panic(err)
			}
		}
	}
	return r
}

func rigBytes(t testing.TB, r *rig.Rig, o WriteOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := EncodeRig(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sameRig compares a rig that came back with the one that was written, by the vertices' places. The joints
// come back in breadth-first order.
func sameRig(t *testing.T, got, want *rig.Rig, tolerance float64) {
	t.Helper()
	want = want.BreadthFirst(nil)
	if len(got.Joints) != len(want.Joints) || got.Mesh.NumFaces() != want.Mesh.NumFaces() || len(got.Mesh.Vertices) != len(want.Mesh.Vertices) {
		t.Fatalf("%d joints, %d faces, %d vertices of %d, %d, %d", len(got.Joints), got.Mesh.NumFaces(), len(got.Mesh.Vertices),
			len(want.Joints), want.Mesh.NumFaces(), len(want.Mesh.Vertices))
	}
	for i, j := range got.Joints {
		if w := want.Joints[i]; j.Parent != w.Parent || j.At.Sub(w.At).Len() > tolerance || w.Name != "" && j.Name != w.Name {
			t.Errorf("joint %d is %+v, want %+v", i, j, w)
		}
	}
	for v, p := range got.Mesh.Vertices {
		of := -1
		for u, q := range want.Mesh.Vertices {
			if p.Sub(q).Len() <= tolerance {
				of = u
			}
		}
		if of < 0 {
			t.Fatalf("a vertex at %v", p)
		}
		for _, x := range got.Weights[v] {
			if x.Weight == 0 { // an unused place
				continue
			}
			w := 0.0
			for _, y := range want.Weights[of] {
				if y.Joint == x.Joint {
					w += y.Weight
				}
			}
			if math.Abs(w-x.Weight) > 4.0/65535 {
				t.Errorf("vertex %d follows joint %d by %g, want %g", v, x.Joint, x.Weight, w)
			}
		}
	}
}

// TestRigRoundTrip writes rigs near the origin, far from it and very large ones, and reads them. The
// mesh alone is as the plain reader has it, and the same rig gives the same bytes.
func TestRigRoundTrip(t *testing.T) {
	for _, place := range []mesh.Transform{{Scale: 1}, {Scale: 1, Offset: mesh.Vec3{500_000.1, 4_100_000.3, 120}}, {Scale: 1e100}} {
		want := arm().Transformed(place.Matrix())
		data := rigBytes(t, want, WriteOptions{})
		got, info, err := DecodeRig(data, nil, ReadOptions{})
		must(t, err)
		sameRig(t, got, want, 1e-6*place.Scale)
		if info.Skinned != 1 || info.Joints != len(want.Joints) || info.Ngons != 1 {
			t.Errorf("%+v", info)
		}
		plain, _, err := Decode(data, nil, ReadOptions{})
		must(t, err)
		if len(plain.Vertices) != len(got.Mesh.Vertices) || plain.Vertices[5] != got.Mesh.Vertices[5] {
			t.Error("the mesh of the rig is another one")
		}
		if !bytes.Equal(data, rigBytes(t, want, WriteOptions{})) {
			t.Error("the same rig gives other bytes")
		}
		again := rigBytes(t, got, WriteOptions{})
		back, _, err := DecodeRig(again, nil, ReadOptions{})
		must(t, err)
		sameRig(t, back, got, 1e-6*place.Scale)
	}
}

// TestRigValidator has the Khronos validator look at rigs: with few joints and with more than a byte
// counts, in every shading, near and far.
func TestRigValidator(t *testing.T) {
	command := validator(t)
	many := arm()
	for len(many.Joints) < 300 {
		many.Joints = append(many.Joints, rig.Joint{At: mesh.Vec3{2, float64(len(many.Joints)), 0}, Parent: len(many.Joints) - 1})
	}
	many.Weights[7] = rig.NewInfluences(rig.Influence{Joint: 299, Weight: 0.5}, rig.Influence{Joint: 256, Weight: 0.5})
	one := arm()
	one.Joints = one.Joints[:1]
	for v := range one.Weights {
		one.Weights[v] = rig.NewInfluences()
	}
	var files []string
	for i, r := range []*rig.Rig{arm(), many, one, arm().Transformed(mesh.Transform{Scale: 1, Offset: mesh.Vec3{1e6, 0, 0}}.Matrix())} {
		for name, n := range allNormals {
			path := filepath.Join(t.TempDir(), fmt.Sprintf("rig%d-%s.glb", i, name))
			must(t, WriteRig(path, r, WriteOptions{Normals: n}))
			files = append(files, path)
			got, _, err := ReadRig(path, ReadOptions{})
			must(t, err)
			sameRig(t, got, r, 1e-5)
		}
	}
	for _, v := range validate(t, command, files) {
		if v.Errors > 0 || v.Warnings > 0 || v.Hints > 0 {
			t.Errorf("%s: %d errors, %d warnings, %d hints: %s", filepath.Base(v.File), v.Errors, v.Warnings, v.Hints, v.Messages)
		}
		for _, m := range v.Messages {
			if !strings.HasPrefix(m, "UNSUPPORTED_EXTENSION") {
				t.Errorf("%s: %s", filepath.Base(v.File), m)
			}
		}
	}
}

// skinned is the document of a tetrahedron whose skin has a joint above the others, a node between two
// joints, a second root, and two sets of influences. Behind it is a mesh without a skin below a joint.
func skinned() []byte {
	var b build
	p, order := b.points(corner...), b.order(0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3)
	j0 := b.list("VEC4", 5121, 4, [4][4]uint8{{0}, {1}, {2}, {0}}, "")
	w0 := b.list("VEC4", 5126, 4, [4][4]float32{{1}, {0.5}, {0.25}, {}}, "")
	j1 := b.list("VEC4", 5123, 4, [4][4]uint16{{0}, {1, 2}, {1, 2, 0, 3}, {0}}, "")
	w1 := b.list("VEC4", 5126, 4, [4][4]float32{{}, {0.25, 0.25}, {0.5, 0.125, 0.0625, 0.0625}, {}}, "")
	return b.glb(fmt.Sprintf(`"nodes":[
		{"mesh":0,"skin":0},{"name":"hip","translation":[0,1,0],"children":[2]},{"name":"between","translation":[1,0,0],"children":[3,5]},
		{"name":"knee","translation":[0,0,2],"children":[4]},{"name":"foot","translation":[0,0,3]},{"mesh":1,"translation":[0,0,9]},{"name":"tail"}],
		"skins":[{"joints":[1,3,4,6]}],"scenes":[{"nodes":[0,1,6]}],"scene":0,
		"meshes":[{"primitives":[{"attributes":{"POSITION":%[1]d,"JOINTS_0":%[3]d,"WEIGHTS_0":%[4]d,"JOINTS_1":%[5]d,"WEIGHTS_1":%[6]d},"indices":%[2]d}]},
		{"primitives":[{"attributes":{"POSITION":%[1]d},"indices":%[2]d}]}]`, p, order, j0, w0, j1, w1))
}

// TestRigReadsForeignFiles reads skins as other programs write them.
func TestRigReadsForeignFiles(t *testing.T) {
	r, _, err := DecodeRig(skinned(), nil, ReadOptions{})
	must(t, err)
	if got, want := fmt.Sprint(r.Joints), "[{hip [0 1 0] -1} {tail [0 0 0] 0} {knee [1 1 2] 0} {foot [1 1 5] 2}]"; got != want {
		t.Errorf("joints %s, want %s", got, want)
	}
	if len(r.Weights) != 8 {
		t.Fatalf("%d vertices", len(r.Weights))
	}
	for v, want := range []string{
		"[{0 1} {0 0} {0 0} {0 0}]", "[{2 0.75} {3 0.25} {0 0} {0 0}]", "[{2 0.5} {3 0.375} {0 0.0625} {1 0.0625}]",
		"[{0 1} {0 0} {0 0} {0 0}]", // it has no weights
		"[{0 1} {0 0} {0 0} {0 0}]", // of the mesh below "between", which is no joint: the hip moves it
	} {
		if got := fmt.Sprint(r.Weights[v]); got != want {
			t.Errorf("vertex %d follows %s, want %s", v, got, want)
		}
	}
	var b build
	if _, _, err := DecodeRig(b.glb(shown(b.tetrahedron())), nil, ReadOptions{}); !errors.Is(err, rig.ErrRig) {
		t.Errorf("a mesh without a skin: %v", err)
	}
	broken := bytes.Replace(skinned(), []byte(`"joints":[1,3,4,6]`), []byte(`"joints":[1,3,4,7]`), 1)
	if _, _, err := DecodeRig(broken, nil, ReadOptions{}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a joint that is not there: %v", err)
	}
}

// TestRigRefuses writes what is no rig.
func TestRigRefuses(t *testing.T) {
	for name, change := range map[string]func(*rig.Rig){
		"no joints": func(r *rig.Rig) { r.Joints = nil }, "a late parent": func(r *rig.Rig) { r.Joints[1].Parent = 2 }, "two roots": func(r *rig.Rig) { r.Joints[1].Parent = rig.NoParent },
		"weights": func(r *rig.Rig) { r.Weights = r.Weights[1:] }, "a sum": func(r *rig.Rig) { r.Weights[3][0].Weight = 2 },
		"a joint": func(r *rig.Rig) { r.Weights[3][0].Joint = 4 }, "nowhere": func(r *rig.Rig) { r.Joints[2].At[1] = math.NaN() },
	} {
		r := arm()
		change(r)
		if err := EncodeRig(new(bytes.Buffer), r, WriteOptions{}); !errors.Is(err, rig.ErrRig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	far := arm()
	far.Joints[3].At[0] = 1e300
	if err := EncodeRig(new(bytes.Buffer), far, WriteOptions{}); !errors.Is(err, mesh.ErrNotFinite) {
		t.Errorf("a joint far away: %v", err)
	}
}

// FuzzReadRig feeds bytes to the reader of rigs. Whatever they are, it returns one of its errors or
// a valid rig, within its memory, which can be written and read back.
func FuzzReadRig(f *testing.F) {
	f.Add(rigBytes(f, arm(), WriteOptions{}))
	f.Add(skinned())
	addSkinned(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		open := func(string, int64) ([]byte, error) { return data, nil }
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, _, err := DecodeRig(data, open, ReadOptions{Limits: fuzzLimits})
		runtime.ReadMemStats(&after)
		// Influences take 64 bytes a vertex, and as much again while they are sorted and joined.
		if got := after.TotalAlloc - before.TotalAlloc; got > fuzzBytes(len(data))+uint64(1024*fuzzLimits.Vertices) {
			t.Fatalf("%d bytes allocated for %d of input, error %v", got, len(data), err)
		}
		if err != nil {
			if !errors.Is(err, rig.ErrRig) {
				knownError(t, err)
			}
			return
		}
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := EncodeRig(&b, r, WriteOptions{}); err != nil {
			if !errors.Is(err, mesh.ErrNotFinite) && !errors.Is(err, mesh.ErrEmpty) {
				t.Fatal(err)
			}
			return
		}
		back, _, err := DecodeRig(b.Bytes(), nil, ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(back.Joints) != len(r.Joints) {
			t.Fatalf("%d joints of %d came back", len(back.Joints), len(r.Joints))
		}
	})
}
