package train

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// ErrOptions reports options that make no sense.
var ErrOptions = errors.New("bad training options")

// Options configure a run. The zero value of every field but Steps is useful.
type Options struct {
	Steps       int     `json:"steps"`
	Rate        float64 `json:"rate"`         // peak learning rate; 0 means 1e-3
	Floor       float64 `json:"floor"`        // last rate as a share of the peak; 0 means 0.05
	Warmup      int     `json:"warmup"`       // steps; 0 means a fiftieth of Steps
	WeightDecay float64 `json:"weight_decay"` // 0 means 0.05; negative means none
	Beta2       float64 `json:"beta2"`        // 0 means 0.99
	Clip        float64 `json:"clip"`         // gradient norm; 0 means 1, negative none
	Seed        uint64  `json:"seed"`
	EvalEvery   int     `json:"eval_every"` // steps; 0 means a twentieth of Steps
	SaveEvery   int     `json:"save_every"` // steps; 0 means EvalEvery
	// Subgroup is the width of the device's kernels. Run fills it in. Sums are added in
	// its order, so a run ends at the width it began at.
	Subgroup int `json:"subgroup,omitempty"`
	// LossScale is the first loss scale of a task in f16, a power of two; 0 means 2¹⁵.
	LossScale float64 `json:"loss_scale,omitempty"`
	// Precision is the task's, which Run fills in: a checkpoint is of one precision.
	Precision string `json:"precision,omitempty"`

	Dir      string    `json:"-"` // checkpoints and the loss curve
	Progress io.Writer `json:"-"` // a line now and then; nil for none
}

func (o *Options) defaults() error {
	set := func(p *float64, v float64) {
		if *p == 0 {
			*p = v
		}
	}
	set(&o.Rate, 1e-3)
	set(&o.Floor, 0.05)
	set(&o.WeightDecay, 0.05)
	set(&o.Beta2, 0.99)
	set(&o.Clip, 1)
	o.WeightDecay, o.Clip = max(o.WeightDecay, 0), max(o.Clip, 0)
	if o.Warmup == 0 {
		o.Warmup = max(o.Steps/50, 1)
	}
	if o.EvalEvery == 0 {
		o.EvalEvery = max(o.Steps/20, 1)
	}
	if o.SaveEvery == 0 {
		o.SaveEvery = o.EvalEvery
	}
	if o.Steps < 1 || !(o.Rate > 0) || o.Floor < 0 || o.Floor > 1 || o.Warmup < 0 || !(o.Beta2 > 0 && o.Beta2 < 1) || !powerOfTwo(o.LossScale) {
		return fmt.Errorf("train: %w: %+v", ErrOptions, *o)
	}
	return nil
}

// powerOfTwo holds of 0 too, and of no power below 1.
func powerOfTwo(x float64) bool {
	frac, exp := math.Frexp(x)
	return x == 0 || frac == 0.5 && exp >= 1 && exp <= 100
}

// rate returns the learning rate of a step, counted from 0. After a linear warm-up it
// falls by a cosine from the peak to Floor times the peak.
func (o *Options) rate(step int) float64 {
	if step < o.Warmup {
		return o.Rate * float64(step+1) / float64(o.Warmup)
	}
	at := float64(step-o.Warmup) / float64(max(o.Steps-o.Warmup, 1))
	return o.Rate * (o.Floor + (1-o.Floor)*(1+math.Cos(math.Pi*min(at, 1)))/2)
}
