package gpu_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// cached opens a device on a cache folder, computes on it and closes it.
func cached(t *testing.T, dev *gpu.Device, dir string) {
	t.Helper()
	t.Setenv("MORTON_CACHE", dir)
	d, err := gpu.Open(gpu.Options{Device: dev.Info().Name})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := double(d, 3); err != nil {
		t.Fatal(err)
	}
}

func cacheFiles(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	names, err := filepath.Glob(filepath.Join(dir, "pipelines", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if out[n], err = os.ReadFile(n); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestPipelinesOnDisk makes, finds, loses and damages the file of pipelines.
func TestPipelinesOnDisk(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dir := filepath.Join(t.TempDir(), "new")
		cached(t, dev, dir)
		first := cacheFiles(t, dir)
		if len(first) != 1 {
			t.Fatalf("%d files", len(first))
		}
		for name, data := range first {
			cached(t, dev, dir)
			for _, bad := range [][]byte{nil, data[:len(data)/2], bytes.Repeat([]byte{7}, len(data)), append([]byte("x"), data...)} {
				if err := os.WriteFile(name, bad, 0o666); err != nil {
					t.Fatal(err)
				}
				cached(t, dev, dir)
				if got := cacheFiles(t, dir); len(got) != 1 || !bytes.Equal(got[name], data) {
					t.Errorf("a file of %d bad bytes became one of %d, want the first %d again", len(bad), len(got[name]), len(data))
				}
			}
		}
	})
}

func TestPipelinesNowhere(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, []byte("in the way"), 0o666); err != nil {
			t.Fatal(err)
		}
		cached(t, dev, file) // no folder can be made there
		t.Chdir(t.TempDir())
		cached(t, dev, "off")
		if names, _ := os.ReadDir("."); len(names) != 0 {
			t.Errorf("off made %v", names)
		}
		if got := gpu.CacheDir(); got != "" {
			t.Errorf("off is the folder %q", got)
		}
	})
}

// TestPipelinesShared uses one folder from two processes and two devices at once.
func TestPipelinesShared(t *testing.T) {
	if dir := os.Getenv("MORTON_TEST_SHARED_CACHE"); dir != "" {
		gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
			for range 5 {
				cached(t, dev, dir)
			}
		})
		return
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dir := t.TempDir()
		t.Setenv("MORTON_CACHE", dir)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				cmd := exec.Command(os.Args[0], "-test.run=^TestPipelinesShared$")
				cmd.Env = append(os.Environ(), "MORTON_TEST_SHARED_CACHE="+dir)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
		atOnce(t, 2, func(g int) error {
			d, err := gpu.Open(gpu.Options{Device: dev.Info().Name})
			if err != nil {
				return err
			}
			defer d.Close()
			return double(d, float32(g))
		})
		wg.Wait()
		cached(t, dev, dir)
		if got := cacheFiles(t, dir); len(got) != 1 {
			t.Errorf("%d files", len(got))
		}
	})
}
