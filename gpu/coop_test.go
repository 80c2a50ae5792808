package gpu

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu/vk"
)

func halfShape(m, n, k int) vk.CoopShape {
	return vk.CoopShape{M: m, N: n, K: k, A: vk.Float16, B: vk.Float16, C: vk.Float32, Result: vk.Float32, Scope: vk.SubgroupScope}
}

// cooperative is a device with cooperative matrices of the given shapes.
func cooperative(shapes ...vk.CoopShape) *vk.Physical {
	p := complete("x", vk.Discrete)
	p.CoopMatrix, p.VulkanMemoryModel, p.Float16, p.MaxShared, p.CoopShapes = true, true, true, 48<<10, shapes
	return p
}

func TestCoopMatrixShape(t *testing.T) {
	saturating, sums16, wide, ints := halfShape(16, 16, 16), halfShape(16, 16, 16), halfShape(16, 16, 16), halfShape(16, 16, 32)
	saturating.Saturating, sums16.C, sums16.Result, wide.Scope = true, vk.Float16, vk.Float16, 2
	ints.A, ints.B = 3, 3
	none := []vk.CoopShape{saturating, sums16, wide, ints, halfShape(16, 16, 12), halfShape(16, 16, 64), halfShape(32, 32, 16), halfShape(1, 16, 16), halfShape(0, 0, 0)}
	for name, c := range map[string]struct {
		shapes []vk.CoopShape
		want   string
	}{
		"the largest":          {[]vk.CoopShape{halfShape(16, 8, 8), halfShape(16, 16, 16), halfShape(16, 8, 16)}, "16x16x16"},
		"the first of equals":  {[]vk.CoopShape{halfShape(8, 16, 16), halfShape(16, 8, 16)}, "8x16x16"},
		"the only one usable":  {append([]vk.CoopShape{halfShape(8, 8, 16)}, none...), "8x8x16"},
		"none of other shapes": {none, "0x0x0"},
		"none at all":          {nil, "0x0x0"},
	} {
		got, lacks := coopMatrix(cooperative(c.shapes...))
		if got.String() != c.want || (lacks == "") != (c.want != "0x0x0") {
			t.Errorf("%s: %v, lacks %q; want %s", name, got, lacks, c.want)
		}
	}
}

// TestCoopMatrixLacks takes one thing after another away.
func TestCoopMatrixLacks(t *testing.T) {
	for want, take := range map[string]func(*vk.Physical){
		"VK_KHR_cooperative_matrix":                   func(p *vk.Physical) { p.CoopMatrix = false },
		"vulkanMemoryModel":                           func(p *vk.Physical) { p.VulkanMemoryModel = false },
		"shaderFloat16":                               func(p *vk.Physical) { p.Float16 = false },
		"32768 bytes of shared memory (it has 16384)": func(p *vk.Physical) { p.MaxShared = 16 << 10 },
		"cooperative matrices of f16 with f32 sums up to 16x16 (it lists 0 shapes)": func(p *vk.Physical) { p.CoopShapes = nil },
	} {
		p := cooperative(halfShape(16, 16, 16))
		take(p)
		if _, lacks := coopMatrix(p); lacks != want {
			t.Errorf("lacks %q, want %q", lacks, want)
		}
	}
}

// TestCoopMatrixOfDevice holds the answer of every device to what is listed of it.
func TestCoopMatrixOfDevice(t *testing.T) {
	infos, err := List()
	if err != nil {
		if errors.Is(err, ErrNoDevice) && os.Getenv("MORTON_GPU") != "required" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	for _, i := range infos {
		if i.Problem != "" {
			continue
		}
		dev, err := Open(Options{Device: i.Name})
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		c, err := dev.CoopMatrix()
		t.Logf("%s: %v, %v", i.Name, c, err)
		if c != i.CoopMatrix || (err == nil) != (i.NoCoopMatrix == "") {
			t.Errorf("%s: %v, error %v; listed as %v, %q", i.Name, c, err, i.CoopMatrix, i.NoCoopMatrix)
		}
		if err != nil && (!errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), i.NoCoopMatrix)) {
			t.Errorf("%s: error %v does not name %q", i.Name, err, i.NoCoopMatrix)
		}
	}
}
