package gpu_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/tensor"
)

// seen is a device whose memory the host sees, or the test is not for it.
func seen(t *testing.T, dev *gpu.Device, opts gpu.Options) *gpu.Device {
	t.Helper()
	if !dev.Info().HostVisible {
		t.Skip("the host does not see the device's memory")
	}
	opts.Device = dev.Info().Name
	return gputest.Open(t, opts)
}

// scale records doubling n elements, whatever the tensors' sizes.
func scale(r *gpu.Recorder, k *gpu.Kernel, in, out *gpu.Tensor, n uint32) {
	r.Dispatch(gpu.Call{Kernel: k, In: []*gpu.Tensor{in}, Out: []*gpu.Tensor{out}, Params: []uint32{n, gpu.F32Param(2)}})
}

// TestVerify lies about what an operation reads and writes.
func TestVerify(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dev = seen(t, dev, gpu.Options{})
		k := scaleKernel(t, "verified")
		x, y := gputest.F32(t, dev, gputest.Normal(1, 8), 8), gputest.F32(t, dev, make([]float32, 8), 8)
		for name, c := range map[string]struct {
			in, out *gpu.Tensor
			n       uint32
			want    error
		}{
			"the truth":           {x, y, 8, nil},
			"in place":            {y, y, 8, nil},
			"less":                {x, y, 5, nil},
			"a view":              {x.View(2, 3), y.View(4, 3), 3, nil},
			"past a view":         {x, y.View(0, 4), 8, gpu.ErrOverrun},
			"past the tensor":     {x, y, 70, gpu.ErrOverrun},
			"reads past the view": {x.View(0, 4), y, 8, gpu.ErrProgram},
		} {
			r := dev.NewRecorder()
			r.Fill(y, 0)
			scale(r, k, c.in, c.out, c.n)
			p, err := r.Finish()
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Verify(); !errors.Is(err, c.want) {
				t.Errorf("%s: error %v, want %v", name, err, c.want)
			}
			p.Free()
			if err := p.Verify(); !errors.Is(err, gpu.ErrProgram) {
				t.Errorf("%s: verifying a freed program: %v", name, err)
			}
		}
		hidden := gputest.Open(t, gpu.Options{Device: dev.Info().Name}.Hidden())
		r := hidden.NewRecorder()
		r.Fill(gputest.F32(t, hidden, []float32{1}, 1), 0)
		p, err := r.Finish()
		if err == nil {
			err = p.Verify()
		}
		if !errors.Is(err, gpu.ErrUnsupported) {
			t.Errorf("where the host sees nothing: %v", err)
		}
	})
}

// TestVerifyRuns holds that a verified program computes what a run does.
func TestVerifyRuns(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dev = seen(t, dev, gpu.Options{})
		steps := randomSteps(rand.New(rand.NewPCG(3, 3)), 20)
		x := make([]*gpu.Tensor, registers)
		for i := range x {
			x[i] = gputest.F32(t, dev, gputest.Normal(uint64(i), orderElems), orderElems)
		}
		r := dev.NewRecorder()
		tmp := r.Temp(tensor.F32, orderElems)
		r.Copy(tmp, x[0])
		for _, s := range steps {
			s.record(r, x)
		}
		p, err := r.Finish()
		if err == nil {
			err = p.Verify()
		}
		if err != nil {
			t.Fatal(err)
		}
		got := make([][]float32, registers)
		for i := range x {
			got[i] = gputest.Read(t, x[i])
		}
		sameBits(t, got, onHost(steps, 1))
	})
}

// TestGuards breaks one by a write past a tensor's end, alive and freed.
func TestGuards(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, freed := range []bool{false, true} {
			dev := seen(t, dev, gpu.Options{Guard: true})
			k := scaleKernel(t, "guarded")
			x, y := gputest.F32(t, dev, gputest.Normal(1, 100), 100), gputest.F32(t, dev, make([]float32, 60), 60)
			for _, n := range []uint32{60, 65} { // a tensor's last 256 bytes are its own to the end
				unchecked(t, dev, func(r *gpu.Recorder) { scale(r, k, x, y, n) })
				if freed && n > 64 {
					y.Free()
				}
				if err := dev.CheckGuards(); errors.Is(err, gpu.ErrOverrun) != (n > 64) {
					t.Errorf("%d elements into 60, freed %v: %v", n, freed, err)
				}
			}
			dev.Close()
			if err := dev.CheckGuards(); !errors.Is(err, gpu.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
		}
		if _, err := gpu.Open(gpu.Options{Device: dev.Info().Name, Guard: true}.Hidden()); !errors.Is(err, gpu.ErrUnsupported) {
			t.Errorf("where the host sees nothing: %v", err)
		}
	})
}

// unchecked runs a program as it is, also under MORTON_VERIFY=1.
func unchecked(t *testing.T, dev *gpu.Device, record func(*gpu.Recorder)) {
	t.Helper()
	r := dev.NewRecorder()
	record(r)
	p, err := r.Finish()
	if err == nil {
		err = p.Run(1)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.Free()
}

// TestGuardsAreNoTensors fills all of many tensors, and their guards hold.
func TestGuardsAreNoTensors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dev = seen(t, dev, gpu.Options{Guard: true})
		for n := 1; n < 300; n += 7 {
			x := gputest.F32(t, dev, make([]float32, n), n)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				r.Fill(x, 7)
				elementwise.Scale(r, elementwise.ScaleArgs{X: x, Out: x, By: 2})
			})
			if n%2 == 0 {
				x.Free()
			}
		}
		if err := dev.CheckGuards(); err != nil {
			t.Error(err)
		}
	})
}
