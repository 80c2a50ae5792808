package main

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/internal/atomicfile"
)

// stripFrames is the number of frames of a film strip on each side of the cut.
const stripFrames = 8

// writePage writes index.html with the figures and film strips beside it.
func (e *videoScores) writePage(dir string, tests []continuation) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("<!doctype html><meta charset=utf-8><title>Continuations</title><style>body{font:14px system-ui;margin:2em}td,th{padding:2px 12px;text-align:right}" +
		"img{image-rendering:pixelated;max-width:100%}</style>\n<h1>Continuations</h1>\n")
	fmt.Fprintf(&b, "<p>%s, %d clips, %g frames a second</p>\n%s%s", html.EscapeString(e.Model), e.Clips, e.Rate, e.plot(), e.table())
	fmt.Fprintf(&b, "<p>Rows: the truth, %s. The frames left of the middle were given.</p>\n", strings.Join(predictors[:], ", "))
	for i, x := range tests {
		name := fmt.Sprintf("strip%03d.png", i)
		rows := []*clip.Clip{x.strip(x.truth)}
		for _, c := range x.by {
			rows = append(rows, x.strip(c))
		}
		if err := clip.WritePNG(filepath.Join(dir, name), rows[0].T, rows...); err != nil {
			return err
		}
		fmt.Fprintf(&b, "<h2>%s</h2><img src=%s alt=\"film strips\">\n", html.EscapeString(x.name), name)
	}
	return atomicfile.WriteFile(filepath.Join(dir, "index.html"), []byte(b.String()))
}

// strip is a film strip of a prediction behind what was given.
func (x *continuation) strip(c *clip.Clip) *clip.Clip {
	before, n := min(x.given.T, stripFrames/2), min(c.T, stripFrames)
	out := clip.New(before+n, c.H, c.W, c.Rate)
	for i := range before {
		copy(out.Frame(i), x.given.Frame(x.given.T-before+i))
	}
	for i := range n {
		copy(out.Frame(before+i), c.Frame((i+1)*c.T/n-1))
	}
	return out
}

// plot draws the error where something moves over the horizon.
func (e *videoScores) plot() string {
	const w, h, margin = 640.0, 280.0, 40.0
	most, lo, hi := 1, 1e9, -1e9
	for _, x := range e.Horizons {
		most = max(most, x.Frame)
		for _, s := range x.By {
			lo, hi = min(lo, s.Moving), max(hi, s.Moving)
		}
	}
	hi = max(hi, lo+1)
	px := func(frame int) float64 { return margin + (w-2*margin)*float64(frame)/float64(most) }
	py := func(v float64) float64 { return h - margin - (h-2*margin)*(v-lo)/(hi-lo) }
	var b strings.Builder
	fmt.Fprintf(&b, "<svg viewBox=\"0 0 %g %g\" width=%g role=img aria-label=\"PSNR where something moves, by frame\">\n", w, h, w)
	for i := range 5 {
		v := lo + (hi-lo)*float64(i)/4
		fmt.Fprintf(&b, "<path d=\"M%g %gH%g\" stroke=#ddd /><text x=2 y=%g font-size=11>%.1f</text>\n", margin, py(v), w-margin, py(v)+4, v)
	}
	for i, name := range predictors {
		var path strings.Builder
		for k, x := range e.Horizons {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(k, 1)], px(x.Frame), py(x.By[name].Moving))
		}
		colour := [...]string{"#c33", "#888", "#36c", "#3a3"}[i]
		fmt.Fprintf(&b, "<path d=\"%s\" fill=none stroke=%s stroke-width=2 /><text x=%g y=%g font-size=12 fill=%s>%s</text>\n", path.String(), colour, w-margin-70, margin+14*float64(i)-20, colour, name)
	}
	b.WriteString("</svg>\n<p>PSNR in dB where something moves, by frame</p>\n")
	return b.String()
}
