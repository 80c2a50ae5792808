package armature

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
)

// TestCreatures makes creatures of every family: valid rigs of closed surfaces that face out, the same
// from the same numbers, with smooth weights somewhere.
func TestCreatures(t *testing.T) {
	held := 0
	for _, c := range Creatures {
		if c.HeldOut {
			held++
		}
		for seed := range uint64(20) {
			r := c.Make(rand.New(rand.NewPCG(seed, 1)))
			if err := r.Validate(); err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			for _, part := range mesh.Components(r.Mesh) {
				if m, err := mesh.Measure(part); err != nil || !m.Watertight || !m.ConsistentWinding || !(mesh.SignedVolume(part) > 0) {
					t.Fatalf("%s %d: a part of volume %g, closed %v, %v", c.Name, seed, mesh.SignedVolume(part), m.Watertight, err)
				}
			}
			blended := 0
			for _, w := range r.Weights {
				if w[1].Weight > 0.2 {
					blended++
				}
			}
			if blended == 0 || len(r.Joints) < 4 {
				t.Errorf("%s: %d vertices follow two joints, of %d joints", c.Name, blended, len(r.Joints))
			}
			if again := c.Make(rand.New(rand.NewPCG(seed, 1))); fmt.Sprint(again.Joints) != fmt.Sprint(r.Joints) {
				t.Errorf("%s: the same numbers make another creature", c.Name)
			}
		}
	}
	if held == 0 || held == len(Creatures) {
		t.Errorf("%d families of %d are held out", held, len(Creatures))
	}
}

const robotXML = `<robot name="arm">
<link name="hand"><visual><geometry><sphere radius="0.1"/></geometry></visual></link>
<link name="base"><visual><origin xyz="0 0 1"/><geometry><box size="2 4 6"/></geometry></visual></link>
<link name="cover"><visual><geometry><mesh filename="package://example-robot-data/robots/x/cover.dae"/></geometry></visual>
  <collision><geometry><cylinder radius="1" length="2"/></geometry></collision></link>
<joint name="elbow" type="revolute"><parent link="cover"/><child link="hand"/><origin xyz="1 0 0" rpy="0 0 0"/></joint>
<joint name="lid" type="fixed"><parent link="base"/><child link="cover"/><origin xyz="0 0 5" rpy="0 0 1.5707963267948966"/></joint>
<transmission name="t"><joint name="elbow"/></transmission>
</robot>`

// TestURDF reads a robot with a fixed joint, which moves nothing, a part in a format that is not read, and
// turned frames. Z becomes Y.
func TestURDF(t *testing.T) {
	path := filepath.Join(t.TempDir(), "arm.urdf")
	read := func(text string) (*rig.Rig, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return ReadURDF(path, t.TempDir())
	}
	r, err := read(robotXML)
	if err != nil {
		t.Fatal(err)
	}
	// The lid is 5 above, and its x axis points along y, which is -z here.
	if len(r.Joints) != 2 || r.Joints[1].Name != "elbow" || r.Joints[1].Parent != 0 || r.Joints[1].At.Sub(mesh.Vec3{0, 5, -1}).Len() > 1e-12 {
		t.Errorf("joints %+v", r.Joints)
	}
	lo, hi := mesh.Bounds(r.Mesh)
	if lo.Sub(mesh.Vec3{-1, -2, -2}).Len() > 1e-9 || hi.Sub(mesh.Vec3{1, 6, 2}).Len() > 1e-9 {
		t.Errorf("bounds %v to %v", lo, hi)
	}
	moved := 0
	for v, w := range r.Weights {
		if w[0].Joint == 1 {
			moved++
			if r.Mesh.Vertices[v].Sub(r.Joints[1].At).Len() > 0.1+1e-9 {
				t.Errorf("the hand has a vertex at %v", r.Mesh.Vertices[v])
			}
		}
	}
	if moved == 0 {
		t.Error("the hand has no vertices")
	}
	for name, text := range map[string]string{
		"no root":    strings.ReplaceAll(strings.Replace(robotXML, `child link="hand"`, `child link="base"`, 1), `<link name="hand">`, `<link name="cover">`),
		"no numbers": strings.Replace(robotXML, `xyz="1 0 0"`, `xyz="1 0"`, 1),
		"no shape":   strings.Replace(robotXML, `<sphere radius="0.1"/>`, ``, 1),
	} {
		if _, err := read(text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// skinBytes is a skin of one triangle on two bones.
func skinBytes() []byte {
	var b bytes.Buffer
	write := func(x any) {
		if err := binary.Write(&b, binary.LittleEndian, x); err != nil {
			panic(err)
		}
	}
	write([]int32{3, 1, 1, 2})
	write([]float32{0, 0, 0, 1, 0, 0, 0, 0, 1})
	write([]float32{0.5, 0.5})
	write([]int32{0, 1, 2})
	for i, name := range []string{"tip", "hip"} {
		var n [40]byte
		copy(n[:], name)
		write(n)
		write([]float32{float32(i), 0, 2, 1, 0, 0, 0})
		write(int32(2))
		write([]int32{int32(i), 2})
		write([]float32{1, float32(1 + 2*i)})
	}
	return b.Bytes()
}

// TestSkin reads a skin whose second bone is the root: between both bodies is one without a bone.
func TestSkin(t *testing.T) {
	dir := t.TempDir()
	skin, model := filepath.Join(dir, "a.skn"), filepath.Join(dir, "a.xml")
	for path, data := range map[string][]byte{skin: skinBytes(), model: []byte(`<mujoco><body name="hip"><geom/><body><body name="tip"/></body></body></mujoco>`)} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := ReadSkin(skin, model)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(r.Joints) != "[{hip [1 2 0] -1} {tip [0 2 0] 0}]" && (r.Joints[0].Name != "hip" || r.Joints[1].Parent != 0 || math.Abs(r.Joints[1].At[1]-2) > 1e-9) {
		t.Errorf("joints %v", r.Joints)
	}
	for v, want := range []string{"[{1 1} {0 0} {0 0} {0 0}]", "[{0 1} {0 0} {0 0} {0 0}]", "[{0 0.75} {1 0.25} {0 0} {0 0}]"} {
		if got := fmt.Sprint(r.Weights[v]); got != want {
			t.Errorf("vertex %d follows %s, want %s", v, got, want)
		}
	}
}

// FuzzSkin decodes any bytes: an error, or weights of bones that are there.
func FuzzSkin(f *testing.F) {
	f.Add(skinBytes())
	f.Add(skinBytes()[:100])
	f.Add([]byte{255, 255, 255, 127, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, names, err := decodeSkin(data)
		if err != nil {
			if !errors.Is(err, errSkin) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if len(names) != len(r.Joints) || len(r.Weights) != len(r.Mesh.Vertices) {
			t.Fatalf("%d names of %d bones, %d weights of %d vertices", len(names), len(r.Joints), len(r.Weights), len(r.Mesh.Vertices))
		}
	})
}
