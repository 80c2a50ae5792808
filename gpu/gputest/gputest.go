// Package gputest runs one test body on every usable device and compares device
// results with float64 oracles.
package gputest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Each runs body once for every usable device, as a subtest; where the host sees
// the device's memory, guards around every tensor must hold. Without any device it
// skips, or fails where the environment sets MORTON_GPU=required.
func Each(t *testing.T, body func(t *testing.T, dev *gpu.Device)) {
	t.Helper()
	infos, err := gpu.List()
	if err != nil && !errors.Is(err, gpu.ErrNoDevice) {
		t.Fatal(err)
	}
	ran := false
	for _, info := range infos {
		if info.Problem != "" {
			err = errors.Join(err, fmt.Errorf("%s lacks %s", info.Name, info.Problem))
			continue
		}
		ran = true
		t.Run(info.Name, func(t *testing.T) {
			dev := Open(t, gpu.Options{Device: strconv.Itoa(info.Index), Guard: info.HostVisible})
			body(t, dev)
			if err := dev.CheckGuards(); err != nil && !errors.Is(err, gpu.ErrClosed) {
				t.Error(err)
			}
		})
	}
	if !ran {
		missing(t, err)
	}
}

// EachCoop is [Each] for the devices with cooperative matrices; of the others it
// says what they lack.
func EachCoop(t *testing.T, body func(t *testing.T, dev *gpu.Device)) {
	t.Helper()
	Each(t, func(t *testing.T, dev *gpu.Device) {
		if _, err := dev.CoopMatrix(); err != nil {
			t.Skipf("not run: %v", err)
		}
		body(t, dev)
	})
}

// Open opens a device for the length of a test; see [Each] for want of one. Tests of one
// process share the driver's device and its compiled kernels, see [gpu.Device.Clone].
func Open(tb testing.TB, opts gpu.Options) *gpu.Device {
	tb.Helper()
	dev, err := Share(opts)
	if errors.Is(err, gpu.ErrNoDevice) {
		missing(tb, err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(dev.Close)
	return dev
}

// Required reports whether the environment demands a device (MORTON_GPU is "required"). Tests
// then fail where they would skip for want of one.
func Required() bool { return os.Getenv("MORTON_GPU") == "required" }

func missing(tb testing.TB, err error) {
	tb.Helper()
	if Required() {
		tb.Fatalf("MORTON_GPU=required, but: %v", err)
	}
	tb.Skipf("no Vulkan device: %v", err)
}

// Normal returns n values drawn from a normal distribution, the same for the
// same seed.
func Normal(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(r.NormFloat64())
	}
	return out
}

// F32 puts data on the device, or fails the test.
func F32(tb testing.TB, dev *gpu.Device, data []float32, shape ...int) *gpu.Tensor {
	tb.Helper()
	x, err := dev.FromF32(data, shape...)
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

// I32 puts data on the device, or fails the test.
func I32(tb testing.TB, dev *gpu.Device, data []int32, shape ...int) *gpu.Tensor {
	tb.Helper()
	x, err := dev.FromI32(data, shape...)
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

// U32 puts the bits of data on the device, or fails the test.
func U32(tb testing.TB, dev *gpu.Device, data []int32, shape ...int) *gpu.Tensor {
	tb.Helper()
	x, err := dev.NewTensor(tensor.U32, shape...)
	if err == nil {
		err = x.WriteI32(data)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

// Run records, runs once and frees a program, or fails the test. Where the
// environment sets MORTON_VERIFY=1 every operation is held to the tensors it
// declares, see [gpu.Program.Verify].
func Run(tb testing.TB, dev *gpu.Device, record func(r *gpu.Recorder)) {
	tb.Helper()
	rec := dev.NewRecorder()
	record(rec)
	p, err := rec.Finish()
	if err != nil {
		tb.Fatal(err)
	}
	defer p.Free()
	run := func() error { return p.Run(1) }
	if os.Getenv("MORTON_VERIFY") == "1" && dev.Info().HostVisible {
		run = p.Verify
	}
	if err := run(); err != nil {
		tb.Fatal(err)
	}
}

// Read returns a tensor's contents, or fails the test.
func Read(tb testing.TB, x *gpu.Tensor) []float32 {
	tb.Helper()
	out, err := x.F32()
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// Close fails the test unless |got - want| <= bound elementwise; bound[i] is the
// derived error bound of element i (or bound has one element, for all). NaN and
// Inf never pass.
func Close(tb testing.TB, what string, got []float32, want, bound []float64) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	bad := 0
	for i := range want {
		b := bound[0]
		if len(bound) > 1 {
			b = bound[i]
		}
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= b) {
			if bad++; bad <= 3 {
				tb.Errorf("%s[%d] = %g, want %g: off by %.3g, bound %.3g", what, i, got[i], want[i], d, b)
			}
		}
	}
	if bad > 3 {
		tb.Errorf("%s: %d of %d elements out of bounds", what, bad, len(want))
	}
}

// Eps is the unit roundoff of f32, 2^-24.
const Eps = 1.0 / (1 << 24)
