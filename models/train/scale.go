package train

import "math"

// The loss scale of f16, whose least magnitudes gradients would fall below: they are
// computed multiplied by it. A step whose gradients are not finite is skipped on the
// device and halves it; enough steps without one double it.
//
// Source: Micikevicius et al., "Mixed Precision Training", 2017, arXiv:1710.03740,
// section 3.2, with the constants that are usual since.
const (
	firstScale = 1 << 15
	mostScale  = 1 << 24
	cleanSteps = 2000
)

// scaler is the loss scale and what it depends on, as checkpoints keep it.
type scaler struct {
	Scale   float64 `json:"scale"`
	Clean   int     `json:"clean"`   // steps since it last changed
	Applied int     `json:"applied"` // steps that were not skipped, the optimizer's count
	Skipped int     `json:"skipped"`
}

// after takes note of a step, whose gradients had this norm; changes says whether the
// scale does at all, which it does for f16.
func (s *scaler) after(norm float32, changes bool) {
	good := !math.IsNaN(float64(norm)) && !math.IsInf(float64(norm), 0)
	if good {
		s.Applied++
		s.Clean++
	} else {
		s.Skipped++
		s.Clean = 0
	}
	switch {
	case !changes:
	case !good:
		s.Scale = max(s.Scale/2, 1)
	case s.Clean == cleanSteps:
		s.Scale, s.Clean = min(2*s.Scale, max(s.Scale, mostScale)), 0
	}
}
