package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/clip/measure"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
)

// driftPoint holds features of some frames of long continuations, relative to the
// given frames: 1 is no drift. Values are means over clips and over a second.
type driftPoint struct {
	Seconds    float64 `json:"seconds"` // from the last given frame to the end of these frames
	Brightness float64 `json:"brightness"`
	Contrast   float64 `json:"contrast"`
	Sharpness  float64 `json:"sharpness"`
	Motion     float64 `json:"motion"` // change of brightness from frame to frame
}

// measureDrift continues each clip by g.drift frames, one clip at a time, and returns how
// the features change second by second.
func (g *videoEvaluation) measureDrift(ctx context.Context, m *models.Model, tests []continuation) (points []driftPoint, err error) {
	if g.drift == 0 {
		return nil, nil
	}
	rate := m.System().Format.Rate.Hz()
	each := max(int(rate+0.5), 1)
	for i := range tests {
		x := &tests[i]
		r := g.request(m, x, g.seed)
		r.Extent = system.Extent{Prefix: g.prefix, Frames: g.drift}
		made, err := m.Generate(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.name, err)
		}
		all := made.Media.Clip
		long, err := all.Slice(all.T-g.drift, all.T)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			x.long = long
		}
		whole := x.whole(long)
		given := look(whole, 1, g.prefix)
		for k, from := 0, g.prefix; from < whole.T; k, from = k+1, from+each {
			to := min(from+each, whole.T)
			if k == len(points) {
				points = append(points, driftPoint{Seconds: float64(to-g.prefix) / rate})
			}
			points[k].add(look(whole, from, to), given, float64(len(tests)))
		}
	}
	return points, nil
}

// look is the mean of the features of frames.
func look(c *clip.Clip, from, to int) (out [measure.Appearance]float64) {
	for k := from; k < to; k++ {
		for i, f := range measure.Features(c, k) {
			out[i] += f / float64(to-from)
		}
	}
	return out
}

func (p *driftPoint) add(now, given [measure.Appearance]float64, clips float64) {
	over := func(i int) float64 { return now[i] / max(given[i], 1e-3) / clips }
	p.Brightness += over(0)
	p.Contrast += over(1)
	p.Sharpness += (over(4) + over(5)) / 2
	p.Motion += over(6)
}

// lines returns the figures in a fixed order.
func (p *driftPoint) lines() []float64 {
	return []float64{p.Brightness, p.Contrast, p.Sharpness, p.Motion}
}

var driftNames = []string{"brightness", "contrast", "sharpness", "motion"}

// driftPlot plots the figures over time.
func (e *videoScores) driftPlot() string {
	if len(e.Drift) == 0 {
		return ""
	}
	last := e.Drift[len(e.Drift)-1].Seconds
	var curves []curve
	for i, name := range driftNames {
		c := curve{name: name}
		for _, p := range e.Drift {
			c.x, c.y = append(c.x, p.Seconds), append(c.y, p.lines()[i])
		}
		curves = append(curves, c)
	}
	return fmt.Sprintf("<h2>Drift over %.0f s</h2>\n%s<p>Over the given frames', by seconds: 1 is no drift. The first clip:</p>\n<img src=long.png alt=\"film strip\">\n",
		last, plotCurves("drift by seconds", curves))
}

// curve is a line of a plot.
type curve struct {
	name string
	x, y []float64
}

var curveColours = [...]string{"#c33", "#888", "#36c", "#3a3"}

// plotCurves plots up to four curves over one pair of axes.
func plotCurves(title string, curves []curve) string {
	const w, h, margin = 640.0, 280.0, 40.0
	most, lo, hi := 0.0, 1e9, -1e9
	for _, c := range curves {
		for i := range c.x {
			most, lo, hi = max(most, c.x[i]), min(lo, c.y[i]), max(hi, c.y[i])
		}
	}
	hi, most = max(hi, lo+0.1), max(most, 1e-9)
	px := func(x float64) float64 { return margin + (w-2*margin)*x/most }
	py := func(v float64) float64 { return h - margin - (h-2*margin)*(v-lo)/(hi-lo) }
	var b strings.Builder
	fmt.Fprintf(&b, "<svg viewBox=\"0 0 %g %g\" width=%g role=img aria-label=\"%s\">\n", w, h, w, title)
	for i := range 5 {
		v, x := lo+(hi-lo)*float64(i)/4, most*float64(i)/4
		fmt.Fprintf(&b, "<path d=\"M%g %gH%g\" stroke=#ddd /><text x=2 y=%g font-size=11>%.3g</text><text x=%g y=%g font-size=11>%.3g</text>\n", margin, py(v), w-margin, py(v)+4, v, px(x)-8, h-margin+16, x)
	}
	for i, c := range curves {
		var path strings.Builder
		for k := range c.x {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(k, 1)], px(c.x[k]), py(c.y[k]))
		}
		colour := curveColours[i%len(curveColours)]
		fmt.Fprintf(&b, "<path d=\"%s\" fill=none stroke=%s stroke-width=2 /><text x=%g y=%g font-size=12 fill=%s>%s</text>\n", path.String(), colour, w-margin-70, margin+14*float64(i)-20, colour, c.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
