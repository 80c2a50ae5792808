package systems

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

func init() {
	system.Register(system.Published{
		Name: "archonview", Title: "ArchonView", Paper: "2503.13588", Papers: []string{"2404.02905"}, Kind: system.Image,
		Tensors: []string{"xpos_1LC", "xlvl_embed.weight", "null_token", "pose_embed.weight", "emb_linear.weight", "lvl_embed.weight", "pos_1LC", "pos_start", "word_embed.weight"}, Open: openArchonView,
	})
}

// archonView is VAR's description, and how a condition is mapped.
type archonView struct {
	*next
	features     int       // of an image
	weight, bias []float32 // of an image and a pose, [features, features + archonPose]
	none         []float32 // features of no condition; nil: unknown
}

const archonPose = 4 // difference of polar angles, sine and cosine of that of azimuths, difference of distances

// The rows of the table.
const (
	archonNull = iota
	archonStart
	archonBias
	archonLevels
)

// openArchonView opens "Next-Scale Autoregressive Models are Zero-Shot Single-Image Object View
// Synthesizers", arXiv:2503.13588: VAR, whose first pass also reads the codes of a view's tokens. It
// draws the object from another pose. That pass has no mask, as upstream's: the view's rows see the
// first token's, although they do not where the network trains.
func openArchonView(config json.RawMessage, w nn.Weights) (*system.System, error) {
	v, err := readNext(config, w)
	if err != nil {
		return nil, err
	}
	c := &archonView{next: v, features: dim(w, "emb_linear.weight", 1)}
	v.classes = 1 // it has none
	if err := v.check(v.tokens); err != nil {
		return nil, err
	}
	if c.features < c.Dim || c.features%2 != 0 || c.features > 1<<14 || c.features*c.Tokens() > 1<<26 || v.Smooth || v.Spectrum != nil {
		return nil, fmt.Errorf("systems: %w: %d features of an image, codes of %d numbers, smooth tokens %v, a spectrum %v", nn.ErrConfig, c.features, c.Dim, v.Smooth, v.Spectrum)
	}
	if err := c.read(w); err != nil {
		return nil, err
	}
	p := nn.NewParams()
	n, last := c.Tokens(), c.Side()
	s := &system.System{
		Name: "archonview", Params: p.List(), Token: system.Token{Sub: 1, Values: c.Codes}, Grid: [3]int{1, last, last}, Text: c.features + archonPose, Control: c.Dim, Tokens: n,
		Layout: system.Layout{
			Fixed: 4, Inputs: max(order.FedByRow(len(c.Sides), func(k int) int { return c.Sides[k] * c.Sides[k] }), 1), Axes: 3, Context: 2 * n, Length: n + 1, Group: max(n+1, last*last),
			Features: c.features, FeatureRows: n + 3, Places: sarPlaces, Recalls: sarPlaces, State: c.width, Raw: true,
		},
		Input: c.input(p), Trunk: archonTrunk{c.trunk(p), len(c.Sides) + 1},
		Default: system.Sampling{Temperature: 1, TopK: 900, TopP: 0.95, Guidance: 4},
	}
	out := p.Linear(c.Codes, c.width, varInit, "head")
	s.Head = head.Softmax{Linear: head.Linear{Out: out.W, Bias: out.B}}
	s.Schedule = func(q system.Prompt) (system.Schedule, error) { return c.schedule(s.Layout.Inputs, q) }
	return s, nil
}

// read reads what maps an image and a pose, which the host does, and the features of no condition.
func (c *archonView) read(w nn.Weights) (err error) {
	in := c.features + archonPose
	if c.weight, err = w.Floats("pose_embed.weight"); err == nil {
		c.bias, err = w.Floats("pose_embed.bias")
	}
	if err == nil && (len(c.weight) != in*c.features || len(c.bias) != c.features) {
		err = fmt.Errorf("systems: %w: pose_embed has %d weights and %d biases for %d and %d features", nn.ErrWeights, len(c.weight), len(c.bias), c.features, archonPose)
	}
	if _, ok := w.Shape(noneName); !ok || err != nil {
		return err
	}
	if c.none, err = w.Floats(noneName); err == nil && len(c.none) != c.features {
		err = fmt.Errorf("systems: %w: %s has %d features, want %d", nn.ErrWeights, noneName, len(c.none), c.features)
	}
	return err
}

// posed returns the features of an image from another pose.
func (c *archonView) posed(x []float32) (out []float32) {
	for i, b := range c.bias {
		sum := float64(b)
		for j, y := range x {
			sum += float64(float64(c.weight[i*len(x)+j]) * float64(y)) // rounded, so that all machines agree
		}
		out = append(out, float32(sum))
	}
	return out
}

// archonInput reads the condition in stages of its own, and the view in the first of the scales.
type archonInput struct {
	varInput
	image *nn.Linear
	read  int
}

func (c *archonView) input(p nn.Params) archonInput {
	n := len(c.Sides)
	weights := c.quantizer(p)
	return archonInput{image: p.Linear(c.width, c.features, varInit, "emb_linear"), read: n + 1, varInput: varInput{input.Accumulated{
		Width: c.Dim, Word: &nn.Linear{W: p.Matrix(c.width, c.Dim, varInit, "word_embed.weight")}, Scales: c.scales(weights),
		Table: p.Table(c.width, varInit, nn.Part{Name: "null_token", Rows: 1}, nn.Part{Name: "pos_start", Rows: 1, Ones: 1}, nn.Part{Name: "word_embed.bias", Rows: 1}, nn.Part{Name: "lvl_embed.weight", Rows: n},
			nn.Part{Name: "pos_1LC", Rows: c.Tokens(), Ones: 1}, nn.Part{Name: "xlvl_embed.weight", Rows: n}, nn.Part{Name: "xpos_1LC", Rows: c.Tokens(), Ones: 1}),
	}, n}}
}

// Record implements system.Input. Rows of the first scale's pass have features, so their fixed ids
// are their coordinates.
func (in archonInput) Record(g nn.Graph, stage int) *nn.Value {
	switch stage {
	case 0:
		return g.SiLU(in.image.Forward(g, g.Features(), nn.ProductOptions{}))
	case in.read:
		return in.image.Forward(g, g.Features(), nn.ProductOptions{})
	case 1:
		d := g.(*nn.Inference)
		x := g.Recall(sarFirst)
		for axis := range 3 {
			x = g.Add(x, d.Look(in.Table, d.Coordinate(axis, 1)))
		}
		f := g.Features().X
		codes := d.Temp(tensor.F32, f.Rows(), in.Width)
		rows.Cut(d.Recorder, rows.CutArgs{X: f, Out: codes})
		x = in.Word.Forward(g, tape.Constant(codes), nn.ProductOptions{Add: x})
		g.Mark("embed", x)
		return x
	}
	return in.Accumulated.Record(g, stage)
}

// archonTrunk keeps the condition in both stages that read it.
type archonTrunk struct {
	varTrunk
	read int
}

// Forward implements system.Trunk.
func (t archonTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	if g.Stage() == t.read {
		g.Keep(x)
		return x
	}
	return t.varTrunk.Forward(g, x)
}

// schedule returns the runs of a view and a pose. A text is the features of the view and the pose,
// and a control the codes of the view's tokens, of all scales; without one all are dropped, as some
// are where the network trains.
func (c *archonView) schedule(fed int, q system.Prompt) (system.Schedule, error) {
	n := c.Tokens()
	if len(q.Text) != c.features+archonPose || q.Control != nil && len(q.Control) != n*c.Dim {
		return nil, fmt.Errorf("systems: %w: %d features of a view and %d numbers of a control, want a row of %d, the last %d of a pose, and %d rows of %d", system.ErrPrompt, len(q.Text), len(q.Control), c.features+archonPose, archonPose, n, c.Dim)
	}
	image, none := c.posed(q.Text), c.none
	switch {
	case q.Guidance <= 1:
		none = image // which nobody reads
	case none == nil:
		return nil, errNone(q.Guidance)
	}
	levels := int32(len(c.Sides))
	p := order.Pyramid{Sides: c.Sides, Class: -1, Other: -1, Start: archonStart, Bias: archonBias, Levels: archonLevels, Places: archonLevels + levels, Fed: fed}
	if q.Ramp != system.Constant {
		p.Scale = func(k int) float32 { return growing(q.Guidance, k, len(c.Sides)) }
	}
	runs := []system.Run{c.keep(fed, 0, sarModulation, image, none), c.keep(fed, len(c.Sides)+1, sarFirst, image, none)}
	for k, r := range p.Scales() {
		if k == 0 {
			r.Rows = c.first(fed, p, q.Control)
			other := c.first(fed, p, nil)
			r.Other, r.Group, r.Targets.From = &other, r.N, []int32{int32(n)}
		} else {
			r.Axes, r.Recall = filled(3*r.N, -1), nil
			for i := range r.N {
				r.Slot[i], r.KVLen[i] = r.Slot[i]+int32(n), r.KVLen[i]+int32(n)
				r.Recall = append(r.Recall, sarModulation, -1)
			}
		}
		runs = append(runs, r)
	}
	return order.Fixed(runs...), nil
}

// keep is the run of one row that keeps a state of the condition.
func (c *archonView) keep(fed, stage int, place int32, image, none []float32) system.Run {
	row := func(x []float32) system.Rows {
		return system.Rows{N: 1, Fixed: filled(4, -1), Inputs: filled(fed, system.Nothing), Axes: filled(3, -1), KVLen: []int32{0}, Slot: []int32{-1}, Keep: []int32{place}, Features: x}
	}
	other := row(none)
	return system.Run{Rows: row(image), Other: &other, Group: 1, Stage: stage}
}

// first are the rows of a view's tokens, and behind them that of the first token.
func (c *archonView) first(fed int, p order.Pyramid, codes []float32) system.Rows {
	n := c.Tokens()
	levels := p.Places + int32(n) // of the view
	r := system.Rows{N: n + 1, Fixed: filled(4*(n+1), -1), Inputs: filled(fed*(n+1), system.Nothing), KVLen: filled(n+1, int32(n+1)), Features: make([]float32, (n+1)*c.features)}
	at := 0
	for k, side := range c.Sides {
		for range side * side {
			if codes == nil {
				r.Axes = append(r.Axes, archonNull, -1, -1)
			} else {
				copy(r.Features[at*c.features:], codes[at*c.Dim:(at+1)*c.Dim])
				r.Axes = append(r.Axes, levels+int32(k), levels+int32(len(c.Sides)+at), p.Bias)
			}
			r.Slot, r.Recall, at = append(r.Slot, int32(at)), append(r.Recall, sarModulation, -1), at+1
		}
	}
	r.Axes, r.Slot, r.Recall = append(r.Axes, p.Levels, p.Places, p.Start), append(r.Slot, int32(n)), append(r.Recall, sarModulation, sarFirst)
	return r
}
