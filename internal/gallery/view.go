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

// view is the data of the template.
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
	for _, k := range kinds {
		if n := count[k.family]; n > 0 {
			v.Filters = append(v.Filters, filter{k.family, k.label, n})
		}
	}
	return v
}

func totals(p *Page, count map[Family]int, total float64) []KV {
	out := []KV{{"Results", fmt.Sprint(len(p.Items))}}
	for _, k := range kinds {
		if n := count[k.family]; n > 0 {
			out = append(out, KV{k.label, fmt.Sprint(n)})
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
	c, k := card{Item: it}, kindOf(it.Family)
	if !k.seedless {
		c.Facts = append(c.Facts, KV{"Seed", fmt.Sprint(it.Seed)})
	}
	if it.Model != "" {
		c.Facts = append(c.Facts, KV{"Model", it.Model})
	}
	if it.Seconds > 0 {
		c.Facts = append(c.Facts, KV{"Time", seconds(it.Seconds)})
	}
	if k.card != nil {
		k.card(&c)
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
	p := pane{Side: side, Label: label, Path: path, Drawn: drawable(m)}
	kindOf(it.Family).show(&p, it, m)
	return p
}

// seconds formats a time in seconds.
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
