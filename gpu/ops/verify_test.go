package ops_test

import (
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// families records every operation, by family, on small tensors.
var families = map[string]func(bench, *gpu.Recorder){
	"matmul": matmuls, "embed": embeds, "norm": norms, "rope": ropes, "attention": attentions, "cached": cached, "loss": losses,
	"bsq": bsqs, "activation": activations, "elementwise": elementwises, "adamw": adamws, "sample": samples, "step": steps,
	"conv": convs, "codebook": codebooks, "gray": grays, "resize": resizes, "rows": rowses, "refine": refines, "grammar": grammars,
}

// TestDeclared holds every operation to the tensors it declares: it writes no other
// memory, and what it writes depends on no other.
func TestDeclared(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		if !dev.Info().HostVisible {
			t.Skip("the host does not see the device's memory")
		}
		for name, record := range families {
			t.Run(name, func(t *testing.T) {
				own := gputest.Open(t, gpu.Options{Device: dev.Info().Name}) // with little memory to compare
				r := own.NewRecorder()
				record(bench{t: t, dev: own}, r)
				p, err := r.Finish()
				if err == nil {
					err = p.Verify()
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// TestBarriers holds that a barrier before every operation changes no bit of any
// family's tensors. On a device that runs operations side by side this finds a
// barrier that lacks; lavapipe runs one after another.
func TestBarriers(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, record := range families {
			t.Run(name, func(t *testing.T) {
				some := after(t, gpu.Options{Device: dev.Info().Name}, record)
				all := after(t, gpu.Options{Device: dev.Info().Name, BarrierAll: true}, record)
				for i := range some {
					if !slices.Equal(some[i], all[i]) {
						t.Errorf("tensor %d changes with barriers", i)
					}
				}
			})
		}
	})
}

// after runs a family three times and returns the bytes of the tensors it asked for.
func after(t *testing.T, opts gpu.Options, record func(bench, *gpu.Recorder)) [][]byte {
	t.Helper()
	dev := gputest.Open(t, opts)
	var made []*gpu.Tensor
	r := dev.NewRecorder()
	record(bench{t, dev, &made}, r)
	p, err := r.Finish()
	if err == nil {
		err = p.Run(3)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]byte, len(made))
	for i, x := range made {
		out[i] = make([]byte, x.SizeBytes())
		if err := x.ReadBytes(out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}
