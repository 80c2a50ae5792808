package engine

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/step"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

// windows are one way in which a step's rows are divided, sequence by sequence.
type windows struct {
	nn.Windows
	attention.Window
}

// newWindows allocates those of a program's rows and sequences.
func newWindows(dev *gpu.Device, ways []attention.Window, rows, sequences int) (out []windows, err error) {
	for _, w := range ways {
		spans, err := dev.NewTensor(tensor.I32, w.Most(rows, sequences), 3)
		if err != nil {
			return out, err
		}
		out = append(out, windows{nn.Windows{Spans: spans, Most: w.Size}, w})
	}
	return out, nil
}

// write divides the rows of a step's sequences, which lie one behind the other. Surplus
// windows are empty.
func (w windows) write(sequences []step.Sequence) error {
	n := w.Windows.Spans.Elems()
	spans, row := make([]int32, 0, n), 0
	for _, s := range sequences {
		spans = w.Window.Spans(spans, row, s.Group)
		row += s.Group
	}
	return w.Windows.Spans.WriteI32(append(spans, make([]int32, n-len(spans))...))
}
