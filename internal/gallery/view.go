package gallery

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// view is what the template sees.
type view struct {
	Title, Command string
	Totals         []KV
	Filters        []filter
	Cards          []card
	Failures       []Failure
	HasMeshes      bool
}

type filter struct {
	Family Family
	Label  string
	Count  int
}

type card struct {
	Item
	Key    string // of the script with its meshes, if any
	Panes  []pane
	Facts  []KV
	Prefix prefix
}

// pane is one picture of a card.
type pane struct {
	Side     string // source or result
	Label    string
	Path     string
	Poster   string
	Video    bool
	Image    bool
	Drawn    bool // there is geometry to draw
	Why      string
	Summary  string
	Describe string
}

// prefix is how much of a video was given.
type prefix struct {
	Known   bool
	Percent float64
	Text    string
}

var labels = map[Family]string{Video: "Video", Image: "Images", Shape: "Shapes", Quads: "Quad meshes", Remesh: "Remeshed"}

func newView(p *Page) *view {
	v := &view{Title: p.Title, Command: p.Command, Failures: p.Failures}
	if v.Title == "" {
		v.Title = "Morton results"
	}
	count := map[Family]int{}
	total := 0.0
	for _, it := range p.ordered() {
		count[it.Family]++
		total += it.Seconds
		c := newCard(it)
		v.Cards = append(v.Cards, c)
		for _, pane := range c.Panes {
			v.HasMeshes = v.HasMeshes || pane.Drawn
		}
	}
	v.Totals = totals(p, count, total)
	for _, f := range families {
		if count[f] > 0 {
			v.Filters = append(v.Filters, filter{f, labels[f], count[f]})
		}
	}
	return v
}

func totals(p *Page, count map[Family]int, total float64) []KV {
	out := []KV{{"Results", fmt.Sprint(len(p.Items))}}
	for _, f := range families {
		if count[f] > 0 {
			out = append(out, KV{labels[f], fmt.Sprint(count[f])})
		}
	}
	out = append(out, marked(p)...)
	out = append(out, KV{"Failures", fmt.Sprint(len(p.Failures))})
	if total > 0 {
		out = append(out, KV{"Requests' time, summed", seconds(total)})
	}
	if p.Elapsed > 0 {
		out = append(out, KV{"Wall time of this run", seconds(p.Elapsed.Seconds())})
	}
	return out
}

// marked counts the items with each mark.
func marked(p *Page) []KV {
	count := map[string]int{}
	for _, it := range p.Items {
		for _, m := range it.Marks {
			count[m]++
		}
	}
	var out []KV
	for _, m := range slices.Sorted(maps.Keys(count)) {
		out = append(out, KV{"Inputs " + m, fmt.Sprint(count[m])})
	}
	return out
}

func newCard(it Item) card {
	c := card{Item: it}
	if it.Family != Remesh {
		c.Facts = append(c.Facts, KV{"Seed", fmt.Sprint(it.Seed)})
	}
	if it.Model != "" {
		c.Facts = append(c.Facts, KV{"Model", it.Model})
	}
	if it.Seconds > 0 {
		c.Facts = append(c.Facts, KV{"Time", seconds(it.Seconds)})
	}
	if it.Family == Video && it.Frames > 0 {
		c.Prefix = prefix{
			Known: it.PrefixFrames > 0, Percent: 100 * float64(it.PrefixFrames) / float64(it.Frames),
			Text: fmt.Sprintf("%d of %d frames given", it.PrefixFrames, it.Frames),
		}
	}
	if it.Source != "" || it.SourceMesh != nil {
		c.Panes = append(c.Panes, newPane(it, "source", "Source", it.Source, it.SourceMesh))
	}
	if it.Result != "" || it.ResultMesh != nil {
		p := newPane(it, "result", "Result", it.Result, it.ResultMesh)
		p.Poster = it.Poster
		c.Panes = append(c.Panes, p)
	}
	return c
}

func newPane(it Item, side, label, path string, m *Mesh) pane {
	p := pane{Side: side, Label: label, Path: path, Video: it.Family == Video, Image: it.Family == Image, Drawn: drawable(m)}
	switch {
	case p.Video:
		p.Describe = fmt.Sprintf("%s video of %s", label, it.ID)
	case p.Image:
		p.Describe = fmt.Sprintf("%s picture of %s", label, it.ID)
	case m == nil || m.NumFaces() == 0:
		p.Why = "No geometry to draw."
	case !p.Drawn:
		p.Why = fmt.Sprintf("%d faces are too many to draw here. Open the file instead.", m.NumFaces())
	default:
		p.Summary = census(m)
		p.Describe = fmt.Sprintf("%s mesh of %s: %s. Arrow keys turn it, plus and minus zoom, zero resets the view.", label, it.ID, p.Summary)
	}
	return p
}

// census tells how many faces of which kind m has.
func census(m *Mesh) string {
	var n [3]int // triangles, quads, more
	for f := range m.NumFaces() {
		n[min(m.Starts[f+1]-m.Starts[f], 5)-3]++
	}
	total := m.NumFaces()
	switch total {
	case n[0]:
		return fmt.Sprintf("%d triangles", total)
	case n[1]:
		return fmt.Sprintf("%d quads", total)
	}
	// Rounded down, so that 100% means all.
	return fmt.Sprintf("%d faces, %d%% quads", total, 100*int64(n[1])/int64(total))
}

// seconds prints a time in seconds as people read it.
func seconds(s float64) string {
	switch {
	case s >= 60:
		return (time.Duration(math.Round(s)) * time.Second).String()
	case s >= 10:
		return fmt.Sprintf("%.1f s", s)
	default:
		return fmt.Sprintf("%.2f s", s)
	}
}

// Name returns the last part of the pane's path.
func (p pane) Name() string { return filepath.Base(p.Path) }

// Kind returns the extension of the pane's path, as a word.
func (p pane) Kind() string {
	if ext := strings.ToUpper(strings.TrimPrefix(filepath.Ext(p.Path), ".")); ext != "" {
		return ext
	}
	return "File"
}
