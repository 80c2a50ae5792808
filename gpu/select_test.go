package gpu

import (
	"errors"
	"testing"

	"github.com/morton-gen/morton/gpu/vk"
)

// complete is a device that has all the engine needs.
func complete(name string, typ vk.DeviceType) *vk.Physical {
	return &vk.Physical{
		Name: name, Type: typ, APIVersion: 1<<22 | 3<<12, SubgroupSize: 32, SubgroupMin: 32, SubgroupMax: 32,
		SubgroupOps: 0xff, SubgroupStages: 0x20, RequireStages: 0x20, BufferDeviceAddress: true, Int64: true,
		ScalarLayout: true, SubgroupControl: true, FullSubgroups: true,
	}
}

func TestChoose(t *testing.T) {
	lacking := complete("Old Discrete", vk.Discrete)
	lacking.Int64 = false
	cpu, integrated, discrete := complete("llvmpipe (LLVM)", vk.CPU), complete("Some Graphics 780", vk.Integrated), complete("Big Card 4090", vk.Discrete)
	virtual, other := complete("Cloud", vk.Virtual), complete("Odd", vk.Other)
	for name, c := range map[string]struct {
		devices []*vk.Physical
		want    string
		index   int
	}{
		"discrete before all":       {[]*vk.Physical{cpu, integrated, other, discrete, virtual}, "", 3},
		"auto is the same":          {[]*vk.Physical{cpu, integrated, other, discrete, virtual}, "auto", 3},
		"virtual before integrated": {[]*vk.Physical{cpu, integrated, virtual}, "", 2},
		"integrated before cpu":     {[]*vk.Physical{cpu, integrated}, "", 1},
		"other before cpu":          {[]*vk.Physical{cpu, other}, "", 1},
		"cpu if alone":              {[]*vk.Physical{cpu}, "", 0},
		"first of equals":           {[]*vk.Physical{cpu, discrete, complete("Second", vk.Discrete)}, "", 1},
		"lacking is passed over":    {[]*vk.Physical{lacking, cpu}, "", 1},
		"by number":                 {[]*vk.Physical{discrete, cpu}, "1", 1},
		"by name, in any case":      {[]*vk.Physical{discrete, cpu}, "LLVMpipe", 1},
		"by a number in the name":   {[]*vk.Physical{cpu, discrete}, "4090", 1},
	} {
		if i, err := choose(c.devices, c.want, 0); err != nil || i != c.index {
			t.Errorf("%s: device %d, error %v; want %d", name, i, err, c.index)
		}
	}
}

func TestChooseRefuses(t *testing.T) {
	lacking, cpu := complete("Old Discrete", vk.Discrete), complete("llvmpipe", vk.CPU)
	lacking.ScalarLayout = false
	for name, c := range map[string]struct {
		devices []*vk.Physical
		want    string
		kind    error
	}{
		"no devices":       {nil, "", ErrNoDevice},
		"nobody's name":    {[]*vk.Physical{cpu}, "nobody", ErrNoDevice},
		"number past list": {[]*vk.Physical{cpu}, "7", ErrNoDevice},
		"negative number":  {[]*vk.Physical{cpu}, "-1", ErrNoDevice},
		"none is usable":   {[]*vk.Physical{lacking}, "", ErrNoDevice},
		"named, lacking":   {[]*vk.Physical{lacking, cpu}, "old", ErrUnsupported},
		"number, lacking":  {[]*vk.Physical{lacking, cpu}, "0", ErrUnsupported},
	} {
		if _, err := choose(c.devices, c.want, 0); !errors.Is(err, c.kind) {
			t.Errorf("%s: error %v, want %v", name, err, c.kind)
		}
	}
	var u *UnsupportedError
	if _, err := choose([]*vk.Physical{lacking}, "old", 0); !errors.As(err, &u) || u.Feature != "scalarBlockLayout" || u.Device != "Old Discrete" {
		t.Errorf("error %v does not name the device and scalarBlockLayout", err)
	}
}

// TestMissing takes one thing after another away from a complete device.
func TestMissing(t *testing.T) {
	if m := missing(complete("x", vk.Discrete), 0); m != "" {
		t.Fatalf("a complete device lacks %s", m)
	}
	for want, take := range map[string]func(*vk.Physical){
		"Vulkan 1.3":          func(p *vk.Physical) { p.APIVersion = 1<<22 | 2<<12 },
		"a compute queue":     func(p *vk.Physical) { p.ComputeFamily = -1 },
		"bufferDeviceAddress": func(p *vk.Physical) { p.BufferDeviceAddress = false },
		"shaderInt64":         func(p *vk.Physical) { p.Int64 = false },
		"scalarBlockLayout":   func(p *vk.Physical) { p.ScalarLayout = false },
		"subgroupSizeControl with full subgroups": func(p *vk.Physical) { p.FullSubgroups = false },
		"a required subgroup size for compute":    func(p *vk.Physical) { p.RequireStages = 0x10 },
		"subgroup arithmetic, ballot and shuffle": func(p *vk.Physical) { p.SubgroupOps = 0x1 | 0x4 | 0x8 },
		"a subgroup width of 4, 8, 16, 32 or 64 (it has 128 to 128)": func(p *vk.Physical) {
			p.SubgroupSize, p.SubgroupMin, p.SubgroupMax = 128, 128, 128
		},
	} {
		p := complete("x", vk.Discrete)
		take(p)
		if got := missing(p, 0); got != want {
			t.Errorf("lacks %q, want %q", got, want)
		}
	}
}

func TestChooseWidth(t *testing.T) {
	for _, c := range []struct{ size, low, high, want int }{
		{8, 8, 8, 8}, {32, 32, 32, 32}, {64, 32, 64, 64}, {16, 8, 32, 16}, {128, 16, 128, 32}, {4, 4, 4, 4}, {1, 1, 2, 0},
	} {
		p := &vk.Physical{SubgroupSize: c.size, SubgroupMin: c.low, SubgroupMax: c.high}
		if got := chooseWidth(p, 0); got != c.want {
			t.Errorf("%d of %d to %d: width %d, want %d", c.size, c.low, c.high, got, c.want)
		}
	}
}

// TestWidthPassesOver asks for a width that only the second device has.
func TestWidthPassesOver(t *testing.T) {
	narrow := complete("cpu", vk.CPU)
	narrow.SubgroupSize, narrow.SubgroupMin, narrow.SubgroupMax = 8, 8, 8
	ps := []*vk.Physical{complete("card", vk.Discrete), narrow}
	if i, err := choose(ps, "", 8); err != nil || i != 1 {
		t.Errorf("width 8: device %d, error %v", i, err)
	}
	if _, err := choose(ps, "card", 8); !errors.Is(err, ErrUnsupported) {
		t.Errorf("width 8 of the card: %v", err)
	}
	for info, ok := range map[string]bool{"Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6)": true, "Mesa 26.2.5-1 (LLVM 22.1.8)": false} {
		wide := complete("wide", vk.CPU)
		wide.SubgroupSize, wide.SubgroupMin, wide.SubgroupMax = 16, 16, 16
		wide.Driver, wide.DriverInfo = "llvmpipe", info
		if got := missing(wide, 0); (got == "") != ok {
			t.Errorf("%s at 16 lanes: lacks %q", info, got)
		}
	}
	if got, want := missing(narrow, 16), "the subgroup width 16 that was asked for (it has 8 to 8)"; got != want {
		t.Errorf("lacks %q, want %q", got, want)
	}
}
