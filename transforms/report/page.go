package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/morton-gen/morton/internal/gallery"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/family"
)

// drawnFaces bounds the faces that one page draws, so that a night's run neither
// fills memory nor the disk with copies, and drawnResults the results with meshes, each
// of which takes a script; results past either are linked only.
const (
	drawnFaces   = 2_000_000
	drawnResults = 4_000
)

// maxDrawnBytes bounds a mesh copied from a store to be drawn.
const maxDrawnBytes = 1 << 30

// PageFile is the page. Its scripts are in a folder beside it.
const (
	PageFile     = "index.html"
	scriptFolder = "gallery"
)

// writePage writes the pages and their scripts, and adds those beside the first to kept.
func writePage(b *claim.Batch, p *publication, kept map[string]bool) error {
	if err := gallery.Write(b.Root(), pageOf(p.folder.dir, p.results, p.failures, p.run, *p.summary)); err != nil {
		return err
	}
	beside, err := os.ReadDir(filepath.Join(b.Root(), scriptFolder))
	if err != nil {
		return err
	}
	for _, e := range beside {
		path := filepath.Join(scriptFolder, e.Name())
		b.Add(path)
		kept[path] = true
	}
	b.Add(PageFile)
	return nil
}

func pageOf(dir string, results []Result, failures []Failure, run Run, s Summary) gallery.Page {
	page := gallery.Page{
		Title: "Morton results", Command: run.Command, Elapsed: time.Duration(s.Seconds * float64(time.Second)),
	}
	p := pager{dir: dir, budget: drawnFaces, ids: map[string]bool{}}
	for i := range results {
		p.lookAhead(results[i:])
		page.Items = append(page.Items, p.item(&results[i]))
	}
	for _, f := range failures {
		page.Failures = append(page.Failures, gallery.Failure{Input: f.Input, Stage: f.Stage, Kind: f.Kind, Message: f.Message})
	}
	return page
}

type pager struct {
	dir    string
	budget int // faces that may still be drawn
	meshes int // results that were drawn
	ids    map[string]bool
	ahead  map[*Result]*drawn // meshes read ahead from a store
}

// drawn are the meshes of a result; nil if missing.
type drawn struct{ result, source *mesh.Mesh }

// meshesAhead is how many results' meshes are read from a store at the same time.
const meshesAhead = store.AtOnce

// lookAhead reads the meshes of the next results from a store if those of the first are not
// read yet and may still be drawn.
func (p *pager) lookAhead(results []Result) {
	if !store.Stored(p.dir) || p.budget <= 0 || p.meshes >= drawnResults || results[0].OBJ == "" || p.ahead[&results[0]] != nil {
		return
	}
	p.ahead = map[*Result]*drawn{}
	results = results[:min(len(results), meshesAhead)]
	for i := range results {
		p.ahead[&results[i]] = &drawn{}
	}
	store.Each(p.dir, len(results), func(i int) error {
		r := &results[i]
		if d := p.ahead[r]; r.OBJ != "" {
			d.result = p.readResult(r)
			if r.drawsSource() {
				d.source = readSource(r)
			}
		}
		return nil
	})
}

// drawsSource reports whether the page shows the mesh that a result was made
// from.
func (r *Result) drawsSource() bool { return r.Action == Generate && r.Input != "" }

func (p *pager) item(r *Result) gallery.Item {
	it := gallery.Item{
		ID: p.title(r), Family: gallery.Family(r.Family),
		Source: p.relative(r.Input), Result: r.Output, OBJ: r.OBJ, Poster: r.Poster,
		PrefixFrames: r.GivenFrames, Frames: r.OutputFrames,
		Seed: r.Seed, Model: r.Model, Seconds: r.Seconds, Error: r.astrayText(), Notes: r.Notes,
	}
	if r.Family.HasModel() && r.TokenCount > 0 {
		it.Counts = []gallery.KV{{Key: "Tokens", Value: strconv.Itoa(r.TokenCount)}, {Key: "Sampled", Value: strconv.Itoa(r.Drawn)}}
	}
	if r.MadeBy != "" {
		it.Counts = append(it.Counts, gallery.KV{Key: "Made by", Value: r.MadeBy})
	}
	if r.Truncated {
		it.Marks = append(it.Marks, "truncated")
	}
	if r.Damaged {
		it.Marks = append(it.Marks, "damaged")
		it.Measures = append(it.Measures, gallery.KV{Key: "Damaged frames", Value: strconv.Itoa(r.DamagedFrames)})
	}
	if r.Action == Detokenize {
		it.Source = "" // browsers cannot show a shard
	}
	it.Measures = append(it.Measures, measures(r)...)
	if len(r.Measures) > len(measures(r)) {
		for _, name := range slices.Sorted(maps.Keys(r.Measures)) {
			it.Details = append(it.Details, gallery.KV{Key: name, Value: number(r.Measures[name])})
		}
	}
	it.Counts = append(it.Counts, promptCounts(r)...)
	if r.OBJ != "" && p.meshes < drawnResults { // a mesh
		p.meshes++
		it.ResultMesh = p.draw(r, func(d *drawn) *mesh.Mesh { return d.result }, p.readResult)
		if r.drawsSource() {
			it.SourceMesh = p.draw(r, func(d *drawn) *mesh.Mesh { return d.source }, readSource)
		}
	}
	return it
}

// shown are the measures always visible on a card, in order.
var shown = []struct {
	name, label string
	text        func(float64) string
}{
	{"chamfer_mean", "Chamfer distance", percent},
	{"fscore_1pct", "F-score at 1%", number},
	{"watertight", "Closed", yesOrNo},
	{"quad_ratio", "Quads", percent},
	{"joints", "Joints", number},
	{"ended", "Ended by the model", yesOrNo},
	{"prefix_psnr_db", "Prefix PSNR", func(x float64) string { return number(x) + " dB" }},
	{"verifier_score", "Verifier's score", number},
}

func measures(r *Result) (out []gallery.KV) {
	for _, m := range shown {
		if x, ok := r.Measures[m.name]; ok {
			out = append(out, gallery.KV{Key: m.label, Value: m.text(x)})
		}
	}
	return out
}

// promptCounts are the class, text and guidance of a picture.
func promptCounts(r *Result) (out []gallery.KV) {
	if r.Class != nil {
		out = append(out, gallery.KV{Key: "Class", Value: cmp.Or(r.ClassName, strconv.Itoa(*r.Class))})
	}
	if r.Text != "" {
		out = append(out, gallery.KV{Key: "Text", Value: filepath.Base(r.Text)})
	}
	if r.Control != "" {
		out = append(out, gallery.KV{Key: "Control", Value: filepath.Base(r.Control)})
	}
	if r.Guidance != nil {
		out = append(out, gallery.KV{Key: "Guidance", Value: number(*r.Guidance)})
	}
	return out
}

// title is the id, with the family if another family has the same id.
func (p *pager) title(r *Result) string {
	title := r.ID
	if p.ids[title] {
		title = fmt.Sprintf("%s (%s)", r.ID, r.Family)
	}
	p.ids[title] = true
	return title
}

// relative turns a path as given into one that the page can link.
func (p *pager) relative(input string) string {
	if input == "" {
		return ""
	}
	return store.Link(p.dir, input)
}

// readResult reads the OBJ of a result, with faces as the model made them. A mesh that can
// no longer be read is not drawn, since the run is already over.
func (p *pager) readResult(r *Result) *mesh.Mesh {
	local, err := store.Fetch(context.Background(), store.Join(p.dir, r.OBJ), maxDrawnBytes)
	if err != nil {
		return nil
	}
	defer local.Remove()
	m, _, err := obj.ReadFile(local.Path, limit.Unlimited())
	if err != nil {
		return nil
	}
	return m
}

func readSource(r *Result) *mesh.Mesh {
	in, err := family.Fetch(context.Background(), r.Request, maxDrawnBytes)
	if err != nil {
		return nil
	}
	defer in.Remove()
	m, _, err := meshfile.Read(in.Request.Input, meshfile.Options{Scene: r.Scene})
	if err != nil {
		return nil
	}
	return m
}

// draw returns the viewer's data of a mesh, which was read ahead or is read now.
func (p *pager) draw(r *Result, of func(*drawn) *mesh.Mesh, read func(*Result) *mesh.Mesh) *gallery.Mesh {
	if p.budget <= 0 {
		return nil
	}
	var m *mesh.Mesh
	if d := p.ahead[r]; d != nil {
		m = of(d)
	} else {
		m = read(r)
	}
	if m == nil {
		return nil
	}
	p.budget -= m.NumFaces()
	// The viewer scales each mesh to its panel. Its float32 coordinates cannot
	// separate vertices far from the origin.
	if unit, _, _, err := mesh.Normalize(m, 1); err == nil {
		m = unit
	}
	g := &gallery.Mesh{Positions: make([]float32, 0, 3*len(m.Vertices)), Corners: m.Corners, Starts: m.Starts}
	for _, v := range m.Vertices {
		g.Positions = append(g.Positions, float32(v[0]), float32(v[1]), float32(v[2]))
	}
	return g
}

// number formats counts as integers and other values with four digits.
func number(x float64) string {
	if x == float64(int64(x)) {
		return strconv.FormatInt(int64(x), 10)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

// percent formats a fraction with three digits.
func percent(x float64) string { return strconv.FormatFloat(100*x, 'g', 3, 64) + "%" }

func yesOrNo(x float64) string {
	if x == 1 {
		return "yes"
	}
	return "no"
}
