package gpu_test

import (
	"errors"
	"os"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// TestCoreUnderValidation takes the engine itself through the validation layer:
// blocks, transfers, long programs, replays, errors, and what Close has to clean
// up. gpu/ops does the same for the operations.
func TestCoreUnderValidation(t *testing.T) {
	for name, opts := range map[string]gpu.Options{"seen": {}, "staged": gpu.Options{}.Hidden(), "every barrier": {BarrierAll: true}, "robust": {Robust: true}} {
		t.Run(name, func(t *testing.T) {
			opts.Validation = true
			dev, err := gpu.Open(opts)
			switch {
			case (errors.Is(err, gpu.ErrUnsupported) || errors.Is(err, gpu.ErrNoDevice)) && !gputest.Required():
				t.Skipf("nothing to validate with: %v", err)
			case err != nil:
				t.Fatal(err)
			}
			defer dev.Close()
			testTransfer(t, dev, tensor.F16, gpu.WindowBytes+5)
			if err := double(dev, 3); err != nil {
				t.Error(err)
			}
			abandoned(t, dev)
			if _, err := dev.Roof(); err != nil {
				t.Error(err)
			}
			if _, err := dev.NewTensor(tensor.F32, 1<<39); !errors.Is(err, gpu.ErrOutOfMemory) {
				t.Error(err)
			}
			dev.Close()
			// scripts/validate hears its layer itself, and what that says of its settings is no error.
			if n, text := dev.Validation(); n > 0 && os.Getenv("VK_INSTANCE_LAYERS") == "" {
				t.Errorf("%d validation messages:\n%s", n, text)
			}
		})
	}
}

// abandoned leaves a tensor and a program of several command buffers to Close.
func abandoned(t *testing.T, dev *gpu.Device) {
	x := gputest.F32(t, dev, make([]float32, 100), 100)
	r := dev.NewRecorder()
	for range 2500 {
		r.Fill(x.View(10, 20), 7)
		r.Copy(x.View(50, 20), x.View(10, 20))
	}
	tmp := r.Temp(tensor.F32, 100)
	r.Copy(tmp, x)
	p, err := r.Finish()
	if err == nil {
		err = p.Run(3)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := gputest.Read(t, x); got[50] == 0 || got[49] != 0 {
		t.Errorf("copied %g, beside it %g", got[50], got[49])
	}
}
