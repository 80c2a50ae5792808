package octgpt

import (
	"fmt"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
)

// random are weights of given shapes, of matrices with a deviation of 1/√inputs, and others around 1.
func random(z zeros) cnntest.Tensors {
	w := cnntest.Tensors{}
	for i, name := range z.Names() {
		s := z[name]
		x := gputest.Normal(uint64(i), tensor.Elems(s))
		in := tensor.Elems(s) / s[len(s)-1]
		for j := range x {
			if in > 1 {
				x[j] /= float32(in)
			} else {
				x[j] = 1 + 0.2*x[j]
			}
		}
		w[name] = cnntest.Tensor{Shape: s, Data: x}
	}
	return w
}

// peak reports the most memory of a device while body runs, as it is seen every millisecond.
func peak(dev *gpu.Device, body func()) (most uint64) {
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				most = max(most, dev.Used())
			}
		}
	}()
	body()
	close(stop)
	<-done
	return most
}

// BenchmarkLarge is the released network, both ways, with random weights: points on a torus, and
// the codes and the surface of that.
func BenchmarkLarge(b *testing.B) {
	c := released[0].Config
	c.Top, c.Code, c.Bits, c.Hidden, c.Faces, c.Resolution, c.Level = 3, 6, 32, 64, Triangles, 256, 0.002
	dev := gputest.Open(b, gpu.Options{})
	codec, err := Open(dev, c, random(published(c)))
	if err != nil {
		b.Fatal(err)
	}
	defer codec.Free()
	points, normals, _ := mesh.SampleSurface(mesh.Torus(256, 128, 0.55, 0.25), pointCount, pointSeed)
	tree, codes, err := codec.Encode(points, normals)
	if err != nil {
		b.Fatal(err)
	}
	fine, values, err := codec.decode(tree, codes)
	if err != nil {
		b.Fatal(err)
	}
	field, err := codec.Decode(tree, codes)
	if err != nil {
		b.Fatal(err)
	}
	for name, run := range map[string]func() error{
		"encode":  func() error { _, _, err := codec.Encode(points, normals); return err },
		"decode":  func() error { _, err := codec.Decode(tree, codes); return err },
		"surface": func() error { _, err := c.contour(field); return err },
	} {
		b.Run(fmt.Sprintf("%s/codes=%d", name, len(codes)), func(b *testing.B) {
			report := gputest.Processor(b)
			most := peak(dev, func() {
				for b.Loop() {
					if err := run(); err != nil {
						b.Fatal(err)
					}
				}
			})
			report()
			b.ReportMetric(float64(most)/1e6, "device-MB")
			b.ReportMetric(float64(len(values)/4), "leaves")
			b.ReportMetric(float64(len(fine.Keys(c.Depth))), "finest-nodes")
		})
	}
}
