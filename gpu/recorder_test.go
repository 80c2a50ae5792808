package gpu_test

import (
	"errors"
	"os"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/tensor"
)

// scaleKernel is elementwise's, under a name of the test's own.
func scaleKernel(tb testing.TB, name string) *gpu.Kernel {
	tb.Helper()
	spv, err := os.ReadFile("ops/elementwise/scale.spv")
	if err != nil {
		tb.Fatal(err)
	}
	return &gpu.Kernel{Name: name, SPIRV: spv, Spec: []uint32{0}}
}

// TestRecorderRules breaks one rule after another.
func TestRecorderRules(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		other := gputest.Open(t, gpu.Options{Device: dev.Info().Name})
		x, y := gputest.F32(t, dev, make([]float32, 8), 8), gputest.F32(t, dev, make([]float32, 6), 6)
		freed, late := gputest.F32(t, dev, make([]float32, 8), 8), gputest.F32(t, dev, make([]float32, 8), 8)
		freed.Free()
		foreign := gputest.F32(t, other, make([]float32, 8), 8)
		halves, err := dev.NewTensor(tensor.F16, 8)
		if err != nil {
			t.Fatal(err)
		}
		k := scaleKernel(t, "rules")
		call := func(c gpu.Call) func(*gpu.Recorder) {
			c.Kernel, c.In, c.Out = k, []*gpu.Tensor{x}, []*gpu.Tensor{x}
			return func(r *gpu.Recorder) { r.Dispatch(c) }
		}
		for name, c := range map[string]struct {
			kind   error
			record func(r *gpu.Recorder)
		}{
			"temporary read before written": {gpu.ErrProgram, func(r *gpu.Recorder) { r.Copy(x, r.Temp(tensor.F32, 8)) }},
			"temporary of another recorder": {gpu.ErrProgram, func(r *gpu.Recorder) { r.Fill(dev.NewRecorder().Temp(tensor.F32, 8), 0) }},
			"freed tensor":                  {gpu.ErrProgram, func(r *gpu.Recorder) { r.Fill(freed, 0) }},
			"view of a freed tensor":        {gpu.ErrProgram, func(r *gpu.Recorder) { r.Copy(x.View(0, 2), freed.View(2, 2)) }},
			"tensor freed before Finish":    {gpu.ErrProgram, func(r *gpu.Recorder) { r.Fill(late, 0); late.Free() }},
			"tensor of another device":      {gpu.ErrProgram, func(r *gpu.Recorder) { r.Copy(x, foreign) }},
			"push constants too long":       {gpu.ErrProgram, call(gpu.Call{Params: make([]uint32, 29)})},
			"too many workgroups":           {gpu.ErrShape, call(gpu.Call{Grid: [3]int{1, 1 << 40, 1}})},
			"negative workgroups":           {gpu.ErrShape, call(gpu.Call{Grid: [3]int{-1, 1, 1}})},
			"copy of another size":          {gpu.ErrShape, func(r *gpu.Recorder) { r.Copy(x, y) }},
			"copy onto itself":              {gpu.ErrShape, func(r *gpu.Recorder) { r.Copy(x.View(0, 5), x.View(3, 5)) }},
			"copy of nil":                   {gpu.ErrShape, func(r *gpu.Recorder) { r.Copy(x, nil) }},
			"fill of nil":                   {gpu.ErrShape, func(r *gpu.Recorder) { r.Fill(nil, 0) }},
			"fill of half a word":           {gpu.ErrShape, func(r *gpu.Recorder) { r.Fill(halves.View(1, 2), 0) }},
			"shape of a temporary":          {gpu.ErrShape, func(r *gpu.Recorder) { r.Temp(tensor.F32, 3, 0) }},
			"no SPIR-V":                     {gpu.ErrProgram, func(r *gpu.Recorder) { r.Dispatch(gpu.Call{Kernel: &gpu.Kernel{Name: "no", SPIRV: make([]byte, 40)}}) }},
			"too many constants": {gpu.ErrProgram, func(r *gpu.Recorder) {
				r.Dispatch(gpu.Call{Kernel: &gpu.Kernel{Name: "c", SPIRV: k.SPIRV, Spec: make([]uint32, 32)}})
			}},
			"an error stays the first": {gpu.ErrShape, func(r *gpu.Recorder) { r.Copy(x, y); r.Fill(freed, 0) }},
			"two kernels of one name":  {gpu.ErrProgram, func(r *gpu.Recorder) { twoOfOneName(r, k, x) }},
		} {
			r := dev.NewRecorder()
			c.record(r)
			if p, err := r.Finish(); !errors.Is(err, c.kind) || p != nil {
				t.Errorf("%s: error %v, want %v", name, err, c.kind)
			}
		}
		r := dev.NewRecorder() // as long as push constants may be: 16 bytes of addresses and 28 words
		r.Dispatch(gpu.Call{Kernel: k, In: []*gpu.Tensor{x}, Out: []*gpu.Tensor{x}, Params: append([]uint32{8}, make([]uint32, 27)...)})
		if _, err := r.Finish(); err != nil {
			t.Errorf("128 bytes of push constants: %v", err)
		}
	})
}

func twoOfOneName(r *gpu.Recorder, k *gpu.Kernel, x *gpu.Tensor) {
	changed := *k
	changed.SPIRV = append([]byte(nil), k.SPIRV...)
	changed.SPIRV[len(changed.SPIRV)-1] ^= 1
	for _, k := range []*gpu.Kernel{k, &changed} {
		r.Dispatch(gpu.Call{Kernel: k, In: []*gpu.Tensor{x}, Out: []*gpu.Tensor{x}, Params: []uint32{8, 0}})
	}
}

func TestFinishEndsTheRecorder(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 8), 8)
		r := dev.NewRecorder()
		r.Fill(x, 1)
		p, err := r.Finish()
		if err != nil {
			t.Fatal(err)
		}
		defer p.Free()
		if _, err := r.Finish(); !errors.Is(err, gpu.ErrProgram) {
			t.Errorf("a second Finish: %v", err)
		}
		r.Fill(x, 2)
		if !errors.Is(r.Err(), gpu.ErrProgram) {
			t.Errorf("recording after Finish: %v", r.Err())
		}
	})
}

func TestEmptyProgram(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, []float32{3, 4}, 2)
		gputest.Run(t, dev, func(r *gpu.Recorder) { r.Fill(x.View(1, 0), 0); r.Copy(x.View(0, 0), x.View(0, 0)) })
		if got := gputest.Read(t, x); got[0] != 3 || got[1] != 4 {
			t.Errorf("a program of nothing left %v", got)
		}
	})
}

// TestFreedUnderneath frees what a finished program uses.
func TestFreedUnderneath(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, y := gputest.F32(t, dev, make([]float32, 8), 8), gputest.F32(t, dev, make([]float32, 8), 8)
		r := dev.NewRecorder()
		tmp := r.Temp(tensor.F32, 8)
		elementwise.Add(r, elementwise.AddArgs{A: x, B: y, Out: tmp})
		if _, err := tmp.F32(); !errors.Is(err, gpu.ErrProgram) {
			t.Errorf("reading a temporary before Finish: %v", err)
		}
		p, err := r.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Run(1); err != nil {
			t.Fatal(err)
		}
		if _, err := tmp.F32(); err != nil {
			t.Errorf("reading a temporary: %v", err)
		}
		y.Free()
		y.Free()
		if err := p.Run(1); !errors.Is(err, gpu.ErrProgram) {
			t.Errorf("running on a freed tensor: %v", err)
		}
		p.Free()
		p.Free()
		if err := p.Run(1); !errors.Is(err, gpu.ErrProgram) {
			t.Errorf("running a freed program: %v", err)
		}
		for _, z := range []*gpu.Tensor{y, y.View(1, 2), tmp} {
			if err := z.WriteF32(make([]float32, z.Elems())); !errors.Is(err, gpu.ErrProgram) {
				t.Errorf("writing a freed tensor: %v", err)
			}
		}
	})
}
