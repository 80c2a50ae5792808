package gpu

import (
	"testing"

	"github.com/morton-gen/morton/gpu/vk"
)

// TestIdentity changes one thing after another: each is another key.
func TestIdentity(t *testing.T) {
	base := vk.Physical{Driver: "d", DriverInfo: "i"}
	keys := map[[32]byte]string{}
	for name, change := range map[string]func(p *vk.Physical){
		"nothing": func(*vk.Physical) {}, "vendor": func(p *vk.Physical) { p.VendorID++ }, "device": func(p *vk.Physical) { p.DeviceID++ },
		"driver version": func(p *vk.Physical) { p.DriverVersion++ }, "API": func(p *vk.Physical) { p.APIVersion++ },
		"driver UUID": func(p *vk.Physical) { p.DriverUUID[3]++ }, "device UUID": func(p *vk.Physical) { p.DeviceUUID[3]++ },
		"driver": func(p *vk.Physical) { p.Driver += "x" }, "driver info": func(p *vk.Physical) { p.DriverInfo += "x" },
	} {
		p := base
		change(&p)
		if other, taken := keys[identity(&p)]; taken {
			t.Errorf("changing %s and %s gives one key", name, other)
		}
		keys[identity(&p)] = name
	}
}
