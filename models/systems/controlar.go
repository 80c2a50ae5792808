package systems

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

const (
	controlIn    = "adapter_mlp.fc1.weight"
	controlLayer = "condition_layers.%d.fc1.weight"
	controlled   = 3 // layers that a control is added in front of
)

func init() {
	names := []string{"tok_embeddings.weight", "output.weight", controlIn, fmt.Sprintf(controlLayer, 0)}
	system.Register(system.Published{
		Name: "controlar", Title: "ControlAR", Paper: "2410.02705", Papers: []string{"2406.06525"}, Kind: "image", Tensors: append([]string{classTable}, names...), Open: openControlAR,
	})
	system.Register(system.Published{
		Name: "controlar-t2i", Title: "ControlAR, text to image", Paper: "2410.02705", Papers: []string{"2406.06525"}, Kind: "image", Tensors: append([]string{captionUp}, names...), Open: openControlAR,
	})
}

// openControlAR opens "ControlAR: Controllable Image Generation with Autoregressive Models",
// arXiv:2410.02705: LlamaGen, steered by the features of a control, a vector for each token.
// Small networks make three vectors of each. They are added to the hidden state of the row
// that predicts the token, in front of the first block, and a third and two thirds through.
// The features come from an encoder of pictures, DINOv2, which is not here.
func openControlAR(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readLlama(config, w, 0)
	if err != nil {
		return nil, err
	}
	var own struct {
		Strength float32 `json:"control_strength"`
	}
	own.Strength = 1
	if config != nil {
		if err := json.Unmarshal(config, &own); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	width := dim(w, controlIn, 1)
	if c.Layers%controlled != 0 || !within(width, 1, 1<<14) || !(own.Strength > 0 && own.Strength <= 100) {
		return nil, fmt.Errorf("systems: %w: a control of %d features, of strength %g, in %d layers", nn.ErrConfig, width, own.Strength, c.Layers)
	}
	features := max(c.Caption, width)
	p := nn.NewParams()
	s, of, err := c.llamaGen(p, w, features)
	if err != nil {
		return nil, err
	}
	grid := order.Grid{T: 1, H: s.Grid[1], W: s.Grid[2]}
	s.Name = "controlar"
	s.Layout.Places, s.Layout.Recalls, s.Layout.State, s.Layout.Group = controlled*grid.Cells(), controlled, c.Dim, grid.W
	s.Control, s.Flatten = width, nil
	if s.Text = c.Caption; s.Text == 0 {
		s.Text = -1
	}
	in := controlInput{Input: s.Input, strength: own.Strength}
	in.adapter = c.twoLayers(p, "adapter_mlp.", features)
	if features > width {
		in.adapter[0].Pick(width, padded(width, features))
	}
	in.condition = c.twoLayers(p, "condition_mlp.cap_proj.", c.Dim)
	for i := range in.layers {
		in.layers[i] = c.twoLayers(p, fmt.Sprintf("condition_layers.%d.", i), c.Dim)
	}
	s.Input, s.Trunk = in, controlTrunk{s.Trunk.(nn.Stack)}
	s.Schedule = func(q system.Prompt) (system.Schedule, error) {
		condition, err := of(q)
		if err != nil {
			return nil, err
		}
		if len(q.Control) != width*grid.Cells() && q.Control != nil {
			return nil, fmt.Errorf("systems: %w: %d features of a control, want %d rows of %d", system.ErrPrompt, len(q.Control), grid.Cells(), width)
		}
		k := order.Control{Stage: controlStage, Layers: controlled}
		if q.Control != nil {
			k.Features = widened(q.Control, width, features)
		}
		condition.Rows.Features = widened(condition.Rows.Features, c.Caption, features)
		condition.Other.Features = widened(condition.Other.Features, c.Caption, features)
		return grid.Controlled(condition, interval(q), k), nil
	}
	return s, nil
}

// widened returns rows of features with zeros behind them.
func widened(x []float32, from, to int) []float32 {
	if x == nil || from == to {
		return x
	}
	out := make([]float32, len(x)/from*to)
	for i := range len(x) / from {
		copy(out[i*to:], x[i*from:(i+1)*from])
	}
	return out
}

// twoLayers declares two matrices with GELU between them.
func (c *llama) twoLayers(p nn.Params, part string, in int) [2]*nn.Matrix {
	return [2]*nn.Matrix{p.Matrix(c.Dim, in, llamaInit, part+"fc1.weight"), p.Matrix(c.Dim, c.Dim, llamaInit, part+"fc2.weight")}
}

// controlInput makes the vectors of a control for one layer in stage controlStage and each of
// those behind it.
type controlInput struct {
	system.Input
	adapter, condition [2]*nn.Matrix
	layers             [controlled][2]*nn.Matrix
	strength           float32
}

const controlStage = input.TextStage + 1

// Record implements system.Input.
func (in controlInput) Record(g nn.Graph, stage int) *nn.Value {
	if stage < controlStage {
		return in.Input.Record(g, stage)
	}
	x := g.Features()
	for _, m := range [][2]*nn.Matrix{in.adapter, in.condition} {
		x = g.Product(g.Product(x, m[0], nn.ProductOptions{Act: nn.GELUTanh}), m[1], nn.ProductOptions{})
	}
	m := in.layers[stage-controlStage]
	x = g.Product(g.Product(x, m[0], nn.ProductOptions{Act: nn.GELUTanh}), m[1], nn.ProductOptions{Alpha: in.strength})
	g.Mark("control", x)
	return x
}

// controlTrunk keeps a control's vectors, and adds them in the stages that read and draw.
type controlTrunk struct{ nn.Stack }

// Forward implements system.Trunk.
func (t controlTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	if g.Stage() >= controlStage {
		g.Keep(x)
		return x
	}
	third := len(t.Stack) / controlled
	for i := range controlled {
		x = t.Stack[i*third:(i+1)*third].Forward(g, g.Add(x, g.Recall(i)))
	}
	return x
}
