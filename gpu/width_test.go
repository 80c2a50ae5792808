package gpu_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

func TestWidthAskedFor(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		i := dev.Info()
		if i.Width != dev.SubgroupWidth() || i.SubgroupMin > i.Width || i.SubgroupMax < i.Width {
			t.Errorf("width %d of %d to %d, the device runs at %d", i.Width, i.SubgroupMin, i.SubgroupMax, dev.SubgroupWidth())
		}
		for _, w := range []int{4, 8, 16, 32, 64} {
			d, err := gpu.Open(gpu.Options{Device: i.Name, Width: w})
			if w < i.SubgroupMin || w > i.SubgroupMax {
				if !errors.Is(err, gpu.ErrUnsupported) || !strings.Contains(err.Error(), fmt.Sprint(w)) {
					t.Errorf("width %d: error %v", w, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := double(d, 1); err != nil || d.SubgroupWidth() != w {
				t.Errorf("asked for %d, runs at %d, error %v", w, d.SubgroupWidth(), err)
			}
			d.Close()
		}
		for _, text := range []string{"12", "-8", "wide", "8 "} {
			t.Setenv("MORTON_SUBGROUP", text)
			_, openErr := gpu.Open(gpu.Options{})
			_, listErr := gpu.List()
			if !errors.Is(openErr, gpu.ErrUnsupported) || !errors.Is(listErr, gpu.ErrUnsupported) {
				t.Errorf("MORTON_SUBGROUP=%q: errors %v and %v", text, openErr, listErr)
			}
		}
		t.Setenv("MORTON_SUBGROUP", "auto")
		if d := gputest.Open(t, gpu.Options{Device: i.Name}); d.SubgroupWidth() != dev.SubgroupWidth() {
			t.Errorf("auto runs at %d", d.SubgroupWidth())
		}
	})
}

// TestWidthOfTheCPU starts a process for each width lavapipe has: it is fixed
// before the driver is loaded.
func TestWidthOfTheCPU(t *testing.T) {
	if want := os.Getenv("MORTON_TEST_WIDTH"); want != "" {
		dev := gputest.Open(t, gpu.Options{Device: os.Getenv("MORTON_TEST_DEVICE")})
		if err := double(dev, 5); err != nil || fmt.Sprint(dev.SubgroupWidth()) != want {
			t.Errorf("width %d, error %v", dev.SubgroupWidth(), err)
		}
		return
	}
	if os.Getenv("LP_NATIVE_VECTOR_WIDTH") != "" {
		t.Skip("LP_NATIVE_VECTOR_WIDTH is set, and stands")
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		if !dev.OnCPU() {
			t.Skip("not a CPU")
		}
		for _, w := range []string{"4", "8", "16"} {
			cmd := exec.Command(os.Args[0], "-test.run=^TestWidthOfTheCPU$")
			cmd.Env = append(os.Environ(), "MORTON_TEST_WIDTH="+w, "MORTON_SUBGROUP="+w, "MORTON_TEST_DEVICE="+strconv.Itoa(dev.Info().Index))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("width %s: %v\n%s", w, err, out)
			}
		}
	})
}
