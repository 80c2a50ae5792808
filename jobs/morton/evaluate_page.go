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

// writePage writes index.html with the figures, and film strips beside it.
func (e *videoScores) writePage(dir string, tests []continuation) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("<!doctype html><meta charset=utf-8><title>Continuations</title><style>body{font:14px system-ui;margin:2em}td,th{padding:2px 12px;text-align:right}" +
		"img{image-rendering:pixelated;max-width:100%}</style>\n<h1>Continuations</h1>\n")
	fmt.Fprintf(&b, "<p>%s, %d clips, %g frames a second</p>\n%s%s", html.EscapeString(e.Model), e.Clips, e.Rate, e.plot(), e.table()+e.driftPlot())
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
		if x.long != nil {
			if err := clip.WritePNG(filepath.Join(dir, "long.png"), rows[0].T, x.strip(x.long)); err != nil {
				return err
			}
		}
		fmt.Fprintf(&b, "<h2>%s</h2><img src=%s alt=\"film strips\">\n", html.EscapeString(x.name), name)
	}
	return atomicfile.WriteFile(filepath.Join(dir, "index.html"), []byte(b.String()))
}

// strip is a film strip of the given frames and a prediction.
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

// plot plots the error of moving pixels over the horizon.
func (e *videoScores) plot() string {
	var curves []curve
	for _, name := range predictors {
		c := curve{name: name}
		for _, x := range e.Horizons {
			c.x, c.y = append(c.x, x.Seconds), append(c.y, x.By[name].Moving)
		}
		curves = append(curves, c)
	}
	return plotCurves("PSNR of moving pixels, by seconds", curves) + "<p>PSNR of moving pixels in dB, by seconds</p>\n"
}
