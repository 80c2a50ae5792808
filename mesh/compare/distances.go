package compare

import "math"

// distances are those from the points of one surface to the other surface.
type distances struct {
	samples   []float64
	vertices  []float64
	agreement []float64 // n · n of each sample; NaN where the nearest triangle has no normal
}

func (d *distances) direction() Direction {
	var out Direction
	for _, x := range d.samples {
		out.Mean += x
		out.MeanSquare += float64(x * x)
		out.Max = max(out.Max, x)
	}
	for _, x := range d.vertices {
		out.Max = max(out.Max, x)
	}
	n := float64(len(d.samples))
	out.Mean, out.MeanSquare = out.Mean/n, out.MeanSquare/n
	return out
}

// within returns the share of samples nearer than the threshold.
func (d *distances) within(threshold float64) float64 {
	n := 0
	for _, x := range d.samples {
		if x < threshold {
			n++
		}
	}
	return float64(n) / float64(len(d.samples))
}

// consistency returns the mean agreement of normals, signed and absolute.
func (d *distances) consistency() (signed, absolute float64) {
	n := 0.0
	for _, x := range d.agreement {
		if !math.IsNaN(x) {
			signed += x
			absolute += math.Abs(x)
			n++
		}
	}
	n = max(n, 1)
	return signed / n, absolute / n
}
