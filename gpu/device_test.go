package gpu_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/tensor"
)

func TestNobodysDevice(t *testing.T) {
	gputest.Each(t, func(t *testing.T, _ *gpu.Device) {
		_, err := gpu.Open(gpu.Options{Device: "nobody's own device"})
		if !errors.Is(err, gpu.ErrNoDevice) || !strings.Contains(err.Error(), "nobody's own device") {
			t.Errorf("error %v", err)
		}
	})
}

func TestListDescribesWhatOpens(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		infos, err := gpu.List()
		if err != nil {
			t.Fatal(err)
		}
		i := dev.Info()
		if infos[i.Index] != i {
			t.Errorf("listed as %+v, opened as %+v", infos[i.Index], i)
		}
		if i.Name == "" || i.Driver == "" || i.MemoryBytes == 0 || i.Subgroup < 1 || dev.SubgroupWidth() < 4 {
			t.Errorf("%+v, width %d", i, dev.SubgroupWidth())
		}
		if dev.OnCPU() != (i.Type == "CPU") {
			t.Errorf("OnCPU is %v for %q", dev.OnCPU(), i.Type)
		}
	})
}

// double checks that the device computes.
func double(dev *gpu.Device, x float32) error {
	in, err := dev.FromF32([]float32{x, -x, 0}, 3)
	if err != nil {
		return err
	}
	defer in.Free()
	r := dev.NewRecorder()
	tmp := r.Temp(tensor.F32, 3)
	elementwise.Scale(r, elementwise.ScaleArgs{X: in, Out: tmp, By: 2})
	r.Copy(in, tmp)
	p, err := r.Finish()
	if err != nil {
		return err
	}
	defer p.Free()
	if err := p.Run(1); err != nil {
		return err
	}
	out, err := in.F32()
	if err == nil && (out[0] != 2*x || out[1] != -2*x || out[2] != 0) {
		err = fmt.Errorf("twice %g is %v", x, out)
	}
	return err
}

func TestReopened(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for i := range 5 {
			d, err := gpu.Open(gpu.Options{Device: dev.Info().Name})
			if err != nil {
				t.Fatal(err)
			}
			if err := double(d, float32(i)); err != nil {
				t.Fatal(err)
			}
			d.Close()
			d.Close()
		}
	})
}

// TestTwoDevices uses two at once, and one after the other's end.
func TestTwoDevices(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		other, err := gpu.Open(gpu.Options{Device: dev.Info().Name})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := errors.Join(double(dev, float32(i)), double(other, float32(i))); err != nil {
				t.Fatal(err)
			}
		}
		other.Close()
		if err := double(dev, 7); err != nil {
			t.Error(err)
		}
	})
}

// TestAfterClose uses everything a closed device left behind.
func TestAfterClose(t *testing.T) {
	for name, opts := range map[string]gpu.Options{"seen": {}, "staged": gpu.Options{}.Hidden()} {
		t.Run(name, func(t *testing.T) {
			dev := gputest.Open(t, opts)
			x := gputest.F32(t, dev, make([]float32, 8), 8)
			left, half := dev.NewRecorder(), dev.NewRecorder()
			half.Fill(x, 1)
			r := dev.NewRecorder()
			tmp := r.Temp(tensor.F32, 8)
			elementwise.Scale(r, elementwise.ScaleArgs{X: x, Out: tmp})
			p, err := r.Finish()
			if err != nil {
				t.Fatal(err)
			}
			dev.Close()

			elementwise.Scale(left, elementwise.ScaleArgs{X: x, Out: x})
			_, finishErr := left.Finish()
			_, halfErr := half.Finish()
			_, allocErr := dev.NewTensor(tensor.F32, 8)
			_, fromErr := dev.FromI32([]int32{1}, 1)
			for what, err := range map[string]error{
				"Run": p.Run(1), "Run(0)": p.Run(0), "write": x.WriteF32(make([]float32, 8)), "read": tmp.ReadF32(make([]float32, 8)),
				"Dispatch": left.Err(), "Finish": finishErr, "Finish of what was recorded": halfErr, "NewTensor": allocErr, "FromI32": fromErr,
			} {
				if !errors.Is(err, gpu.ErrClosed) {
					t.Errorf("%s after Close: %v", what, err)
				}
			}
			p.Free()
			x.Free()
			tmp.Free()
			dev.Close()
			if dev.Available() != 0 || dev.Used() != 0 || dev.Info().Name == "" || dev.SubgroupWidth() == 0 {
				t.Errorf("%d available, %d used, %+v", dev.Available(), dev.Used(), dev.Info())
			}
			dev.OnCPU()
		})
	}
}

// TestConcurrentUse opens, records, runs and frees from many goroutines.
func TestConcurrentUse(t *testing.T) {
	eachWay(t, func(t *testing.T, dev *gpu.Device) {
		atOnce(t, 8, func(g int) error {
			for i := range 10 {
				if err := double(dev, float32(g*100+i)); err != nil {
					return err
				}
				dev.Available()
				dev.Used()
			}
			return nil
		})
	})
}

// TestConcurrentDevices opens and closes devices side by side.
func TestConcurrentDevices(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		atOnce(t, 4, func(g int) error {
			for range 3 {
				d, err := gpu.Open(gpu.Options{Device: dev.Info().Name})
				if err != nil {
					return err
				}
				err = double(d, float32(g))
				d.Close()
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// TestCloseUnderUse closes a device that others use: each use works or says so.
func TestCloseUnderUse(t *testing.T) {
	for range 5 {
		dev := gputest.Open(t, gpu.Options{})
		started := make(chan struct{})
		var once sync.Once
		go func() {
			<-started
			dev.Close()
		}()
		atOnce(t, 6, func(g int) error {
			for {
				switch err := double(dev, float32(g)); {
				case errors.Is(err, gpu.ErrClosed):
					return nil
				case err != nil:
					return err
				}
				once.Do(func() { close(started) })
			}
		})
	}
}

func atOnce(t *testing.T, n int, body func(g int) error) {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for g := range n {
		wg.Go(func() { errs[g] = body(g) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}
