package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

func TestDevices(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	code, out, errs := morton("devices", "--measure", "--json")
	var list []deviceLine
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitDone {
		t.Fatalf("exit %d, error %v\n%s%s", code, err, out, errs)
	}
	d := list[dev.Info().Index]
	if d.Info != dev.Info() || d.Roof == nil || d.Roof.BytesPerSecond < 1e8 || d.Roof.FlopsPerSecond < 1e8 {
		t.Errorf("%+v", d)
	}
	code, out, _ = morton("devices")
	if code != exitDone || !strings.Contains(out, d.Name) || !strings.Contains(out, "limits: ") || strings.Contains(out, "measured") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// TestDevicesSayWhatTheyLack prints a device that cannot be used, and one with a
// range of widths.
func TestDevicesSayWhatTheyLack(t *testing.T) {
	var out bytes.Buffer
	err := printDevices(&out, []deviceLine{
		{Info: gpu.Info{Name: "Old", Problem: "shaderInt64"}},
		{Info: gpu.Info{Index: 1, Name: "Card", Width: 32, SubgroupMin: 8, SubgroupMax: 64, Features: "float16"}, Roof: &roof{2e12, 3e13}, Rates: &rates{1, 2e9, 3e9, 4e9}},
	})
	for _, want := range []string{"no: it lacks shaderInt64", "32 of 8 to 64", "1  has float16", "width 32", "copies 2000.0 GB/s", "8 rows 3.0"} {
		if err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("error %v, no %q in\n%s", err, want, &out)
		}
	}
}
