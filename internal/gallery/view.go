package gallery

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// pageCards is how many cards stand on a page: a browser opens that many in a second.
const pageCards = 200

// maxFailures is how many failures the first page lists; failures.jsonl has all.
const maxFailures = 200

// view is what the template sees: one page of all.
type view struct {
	Title, Command string
	Totals         []KV
	Filters        []filter
	Flags          []string // that items have
	Cards          []card
	Failures       []Failure
	Kinds          []KV // how many failures of each kind
	MoreFailures   bool // than are listed
	HasMeshes      bool

	Number, Pages int    // from 1
	Root          string // from this page to the folder of the first
}

type filter struct {
	Family Family
	Label  string
	Count  int
}

type card struct {
	Item
	Key    string // of the script with its meshes, if any
	Anchor string
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

// book is a page's items in their order, and what all pages say.
type book struct {
	items []Item
	head  view
}

func newBook(p *Page) *book {
	b := &book{items: p.ordered(), head: view{Title: p.Title, Command: p.Command}}
	if b.head.Title == "" {
		b.head.Title = "Morton results"
	}
	count := map[Family]int{}
	total := 0.0
	flags := map[string]bool{}
	for i := range b.items {
		it := &b.items[i]
		count[it.Family]++
		total += it.Seconds
		for _, f := range it.flags() {
			flags[f] = true
		}
	}
	b.head.Totals = totals(p, count, total)
	b.head.Flags = slices.Sorted(maps.Keys(flags))
	for _, k := range kinds {
		if n := count[k.family]; n > 0 {
			b.head.Filters = append(b.head.Filters, filter{k.family, k.label, n})
		}
	}
	b.head.Pages = max(1, (len(b.items)+pageCards-1)/pageCards)
	return b
}

// page returns the view of a page, from 1 on.
func (b *book) page(p *Page, number int) *view {
	v := b.head
	v.Number = number
	if number == 1 {
		v.Failures = p.Failures[:min(len(p.Failures), maxFailures)]
		v.Kinds, v.MoreFailures = failureKinds(p.Failures), len(p.Failures) > maxFailures
	} else {
		v.Root = "../"
	}
	for _, it := range b.items[(number-1)*pageCards : min(number*pageCards, len(b.items))] {
		c := newCard(it.from(v.Root))
		c.Anchor = fmt.Sprint("r", number, "-", len(v.Cards)+1)
		v.Cards = append(v.Cards, c)
		for _, pane := range c.Panes {
			v.HasMeshes = v.HasMeshes || pane.Drawn
		}
	}
	return &v
}

// from returns the item with its paths as a page sees them that is so far below.
func (it Item) from(root string) Item {
	if root == "" {
		return it
	}
	for _, path := range []*string{&it.Source, &it.Result, &it.OBJ, &it.Poster} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = root + *path
		}
	}
	return it
}

// Flags that an item has besides its marks.
const (
	flagNotes   = "with notes"
	flagProblem = "with a problem"
)

// flags are the words by which a person finds the item.
func (it *Item) flags() []string {
	flags := slices.Clone(it.Marks)
	if len(it.Notes) > 0 {
		flags = append(flags, flagNotes)
	}
	if it.Error != "" {
		flags = append(flags, flagProblem)
	}
	return flags
}

// failureKinds counts failures, the most frequent kind first.
func failureKinds(all []Failure) []KV {
	count := map[string]int{}
	for _, f := range all {
		count[f.Kind]++
	}
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Or(count[b]-count[a], cmp.Compare(a, b)) })
	var out []KV
	for _, k := range names {
		out = append(out, KV{k, fmt.Sprint(count[k])})
	}
	return out
}

// href is where the page of a number is, from this one.
func (v *view) href(number int) string {
	if number == 1 {
		return v.Root + "index.html"
	}
	return v.Gallery() + fmt.Sprint(number, ".html")
}

// Gallery is the folder of scripts and further pages, from this page.
func (v *view) Gallery() string {
	if v.Number == 1 {
		return geometryFolder + "/"
	}
	return ""
}

// First, Previous, Next and Last are the pages to go to.
func (v *view) First() string    { return v.href(1) }
func (v *view) Previous() string { return v.href(v.Number - 1) }
func (v *view) Next() string     { return v.href(v.Number + 1) }
func (v *view) Last() string     { return v.href(v.Pages) }

// From and To number the cards of this page among all.
func (v *view) From() int { return (v.Number-1)*pageCards + min(1, len(v.Cards)) }
func (v *view) To() int   { return (v.Number-1)*pageCards + len(v.Cards) }

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

// FlagList is the card's flags for the program.
func (c card) FlagList() string { return strings.Join(c.flags(), "|") }

// Name returns the last part of the pane's path.
func (p pane) Name() string { return filepath.Base(p.Path) }

// Kind returns the extension of the pane's path, as a word.
func (p pane) Kind() string {
	if ext := strings.ToUpper(strings.TrimPrefix(filepath.Ext(p.Path), ".")); ext != "" {
		return ext
	}
	return "File"
}
