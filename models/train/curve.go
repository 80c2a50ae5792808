package train

import (
	"fmt"
	"html"
	"math"
	"strings"

	"github.com/morton-gen/morton/internal/atomicfile"
)

// Curve is a run's loss over its steps.
type Curve struct {
	Points []Point `json:"points"`
	// Lines are constants drawn across, such as a bigram table's loss.
	Lines []Line `json:"lines,omitempty"`
}

// Point is one evaluation: the mean training loss since the one before, and the
// held-out loss, in nats a token.
type Point struct {
	Step    int     `json:"step"`
	Loss    float64 `json:"loss"`
	Heldout float64 `json:"heldout"`
	Rate    float64 `json:"rate"`
}

// Line is a named constant.
type Line struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// WriteHTML writes the curve as a page with an SVG drawing and a table.
func (c *Curve) WriteHTML(path string) error {
	return atomicfile.WriteFile(path, []byte(c.html()))
}

const (
	plotW, plotH = 800.0, 400.0
	plotMargin   = 50.0
)

func (c *Curve) bounds() (steps int, lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	see := func(y float64) { lo, hi = min(lo, y), max(hi, y) }
	for _, p := range c.Points {
		steps = max(steps, p.Step)
		see(p.Loss)
		see(p.Heldout)
	}
	for _, l := range c.Lines {
		see(l.Value)
	}
	if !(hi > lo) {
		lo, hi = lo-1, lo+1
	}
	return max(steps, 1), lo, hi
}

func (c *Curve) html() string {
	steps, lo, hi := c.bounds()
	x := func(s int) float64 { return plotMargin + (plotW-2*plotMargin)*float64(s)/float64(steps) }
	y := func(v float64) float64 { return plotH - plotMargin - (plotH-2*plotMargin)*(v-lo)/(hi-lo) }
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html><meta charset=utf-8><title>Loss</title><style>body{font:14px system-ui;margin:2em}td,th{padding:2px 12px;text-align:right}</style>\n<h1>Loss</h1>\n")
	fmt.Fprintf(&b, "<svg viewBox=\"0 0 %g %g\" width=\"%g\" role=img aria-label=\"loss over steps\">\n", plotW, plotH, plotW)
	for i := range 5 {
		v := lo + (hi-lo)*float64(i)/4
		fmt.Fprintf(&b, "<path d=\"M%g %gH%g\" stroke=#ddd /><text x=4 y=%g font-size=11>%.3g</text>\n", plotMargin, y(v), plotW-plotMargin, y(v)+4, v)
	}
	draw := func(name, colour string, get func(Point) float64) {
		var path strings.Builder
		for i, p := range c.Points {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], x(p.Step), y(get(p)))
		}
		fmt.Fprintf(&b, "<path d=\"%s\" fill=none stroke=%s stroke-width=2><title>%s</title></path>\n", path.String(), colour, name)
	}
	draw("training", "#36c", func(p Point) float64 { return p.Loss })
	draw("held-out", "#c33", func(p Point) float64 { return p.Heldout })
	for _, l := range c.Lines {
		fmt.Fprintf(&b, "<path d=\"M%g %.1fH%g\" stroke=#888 stroke-dasharray=4 /><text x=%g y=%.1f font-size=11 text-anchor=end>%s %.3f</text>\n",
			plotMargin, y(l.Value), plotW-plotMargin, plotW-plotMargin, y(l.Value)-3, html.EscapeString(l.Name), l.Value)
	}
	fmt.Fprintf(&b, "<text x=%g y=%g font-size=11 text-anchor=end>%d steps</text>\n</svg>\n<p>blue: training; red: held-out; nats a token</p>\n", plotW-plotMargin, plotH-plotMargin+18, steps)
	b.WriteString("<table><tr><th>step<th>training<th>held-out<th>rate\n")
	for _, p := range c.Points {
		fmt.Fprintf(&b, "<tr><td>%d<td>%.4f<td>%.4f<td>%.2e\n", p.Step, p.Loss, p.Heldout, p.Rate)
	}
	b.WriteString("</table>\n")
	return b.String()
}
