package transforms

import (
	"context"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/draw"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
)

func init() {
	beam.RegisterDoFn(&writeFn{})
}

// Write writes each item's result into the run's folder (see [report.Place]):
// media, tokens, and last the done-marker. Every file is written beside its place
// and renamed, and the same request gives the same tokens, so bundles may rerun,
// even at the same time.
func Write(s beam.Scope, settings Settings, items beam.PCollection) (outcomes beam.PCollection) {
	return beam.ParDo(s.Scope("Write"), &writeFn{stage{Settings: settings}}, items)
}

type writeFn struct{ stage }

// ProcessElement writes one result.
func (f *writeFn) ProcessElement(ctx context.Context, it *Item, out func(report.Outcome)) error {
	var row report.Result
	err := f.attempt(ctx, it.Request.Family, func(ctx context.Context, m family.Model) (err error) {
		row, err = f.write(ctx, it, m.Name())
		return err
	})
	if err != nil {
		return f.settle(ctx, it.Request, stageWrite, err, out)
	}
	f.finish(ctx, row, out)
	return nil
}

func (f *writeFn) write(ctx context.Context, it *Item, model string) (report.Result, error) {
	row := f.row(it, model)
	place := report.Place{Family: it.Request.Family, ID: it.Request.ID}
	if err := f.writeMedia(ctx, it, place, &row); err != nil {
		return row, err
	}
	sample := it.Result.Sample
	sample.ID = it.Request.ID
	if sample.Source == "" {
		sample.Source = it.Request.Input
	}
	if err := report.WriteSample(filepath.Join(f.Settings.Out, place.Tokens()), sample); err != nil {
		return row, err
	}
	key := it.Request.Fingerprint(f.Settings.Action, model)
	return row, report.WriteMarker(f.Settings.Out, key, row)
}

func (f *writeFn) row(it *Item, model string) report.Result {
	g := it.Result
	return report.Result{
		Request: it.Request, Action: f.Settings.Action, Model: model,
		TokenCount: len(g.Sample.Tokens), Drawn: g.Tokens, TokensSHA256: report.HashTokens(g.Sample.Tokens),
		Truncated: it.Condition.Truncated, Damaged: it.Condition.DamagedFrames > 0, DamagedFrames: it.Condition.DamagedFrames, Notes: g.Notes,
		Measures: measure(it), Seconds: g.Elapsed.Seconds(), Waited: g.Waited.Seconds(),
	}
}

func (f *writeFn) writeMedia(ctx context.Context, it *Item, p report.Place, row *report.Result) error {
	if err := os.MkdirAll(filepath.Join(f.Settings.Out, string(p.Family)), 0o755); err != nil {
		return err
	}
	switch m := it.Result.Media; {
	case m.Clip != nil:
		row.Output, row.Poster = p.File(".mp4"), p.File(".png")
		row.OutputFrames, row.GivenFrames = m.Clip.T, it.Result.Given
		if err := video.Encode(ctx, f.path(row.Output), m.Clip, video.EncodeOptions{}); err != nil {
			return err
		}
		return writeSheet(f.path(row.Poster), m.Clip)
	case m.Mesh != nil:
		row.Output, row.OBJ, row.Poster = p.File(".glb"), p.File(".obj"), p.File(".png")
		if err := gltf.Write(f.path(row.Output), m.Mesh, gltf.WriteOptions{}); err != nil {
			return err
		}
		if err := obj.WriteFile(f.path(row.OBJ), m.Mesh); err != nil {
			return err
		}
		return writePicture(f.path(row.Poster), m.Mesh)
	}
	return nil
}

func (f *writeFn) path(relative string) string { return filepath.Join(f.Settings.Out, relative) }

// A contact sheet shows at most sheetFrames frames, evenly chosen.
const (
	sheetColumns = 8
	sheetFrames  = 64
)

func writeSheet(path string, c *clip.Clip) error {
	n := min(c.T, sheetFrames)
	shown := clip.New(n, c.H, c.W, c.Rate)
	for i := range n {
		copy(shown.Frame(i), c.Frame(i*c.T/n))
	}
	return clip.WritePNG(path, min(sheetColumns, n), shown)
}

func writePicture(path string, m *mesh.Mesh) error {
	picture, err := draw.Draw(m, draw.Options{Size: 256, Azimuth: 35, Elevation: 25})
	if err != nil {
		return fmt.Errorf("transforms.Write: %w", err)
	}
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, picture) })
}
