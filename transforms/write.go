package transforms

import (
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/draw"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
)

func init() {
	beam.RegisterDoFn(&writeFn{})
}

// Write writes each item's result into the run's folder, see [report.Place] and
// [report.Delivery]. It writes media and tokens aside, then a marker that claims them.
// It moves all to their places, and writes the marker that says done. The same
// request gives the same tokens, so bundles may rerun, even at the same time. Write
// replaces unclaimed files only under Settings.Overwrite, and an input never.
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

// write delivers a result. What stands at its place was looked at when its request
// was begun (see [SkipDone]); it is again here, for it may have changed.
func (f *writeFn) write(ctx context.Context, it *Item, model string) (report.Result, error) {
	row := f.row(it, model)
	d, err := report.Deliver(f.Settings.Out, row, f.policy(it.Request))
	if err != nil {
		return row, err
	}
	defer d.Close()
	place := report.Place{Family: it.Request.Family, ID: it.Request.ID}
	written, err := writeMedia(ctx, it, place, &row, d)
	if err != nil {
		return row, err
	}
	row.Measures = measure(it, written)
	if err := writeTokens(it, place, d); err != nil {
		return row, err
	}
	key := it.Request.Fingerprint(f.Settings.Action, model)
	return row, d.Finish(key, row)
}

// writeTokens writes the sample of a result, if its family has tokens.
func writeTokens(it *Item, p report.Place, d *report.Delivery) error {
	if p.Tokens() == "" {
		return nil
	}
	sample := it.Result.Sample
	sample.ID = it.Request.ID
	if sample.Source == "" {
		sample.Source = it.Request.Input
	}
	return writeTo(d, p.Tokens(), func(path string) error { return report.WriteSample(path, sample) })
}

func (f *writeFn) row(it *Item, model string) report.Result {
	g := it.Result
	return report.Result{
		Request: it.Request, Action: f.Settings.Action, Model: model,
		TokenCount: len(g.Sample.Tokens), Drawn: g.Tokens, TokensSHA256: report.HashTokens(g.Sample.Tokens),
		Truncated: it.Condition.Truncated, Damaged: it.Condition.DamagedFrames > 0, DamagedFrames: it.Condition.DamagedFrames, Notes: g.Notes,
		Seconds: g.Elapsed.Seconds(), Waited: g.Waited.Seconds(),
	}
}

// writeMedia writes a clip or a mesh. Of a mesh it returns what a reader of the
// GLB gets.
func writeMedia(ctx context.Context, it *Item, p report.Place, row *report.Result, d *report.Delivery) (*mesh.Mesh, error) {
	switch m := it.Result.Media; {
	case m.Clip != nil:
		row.Output, row.Poster = p.File(".mp4"), p.File(".png")
		row.OutputFrames, row.GivenFrames = m.Clip.T, it.Result.Given
		return nil, errors.Join(
			writeTo(d, row.Output, func(path string) error { return video.Encode(ctx, path, m.Clip, video.EncodeOptions{}) }),
			writeTo(d, row.Poster, func(path string) error { return writeSheet(path, m.Clip) }))
	case m.Mesh != nil:
		row.Output, row.OBJ, row.Poster = p.File(".glb"), p.File(".obj"), p.File(".png")
		return writeMesh(m.Mesh, row, d)
	}
	return nil, nil
}

func writeMesh(m *mesh.Mesh, row *report.Result, d *report.Delivery) (written *mesh.Mesh, err error) {
	err = errors.Join(
		writeTo(d, row.Output, func(path string) (err error) {
			if err = gltf.Write(path, m, gltf.WriteOptions{}); err == nil {
				written, _, err = gltf.Read(path, gltf.ReadOptions{Limits: limit.Unlimited()})
			}
			return err
		}),
		writeTo(d, row.OBJ, func(path string) error { return obj.WriteFile(path, m) }),
		writeTo(d, row.Poster, func(path string) error { return writePicture(path, m) }))
	return written, err
}

// writeTo has write write one file of a delivery.
func writeTo(d *report.Delivery, place string, write func(path string) error) error {
	path, err := d.Path(place)
	if err != nil {
		return err
	}
	return write(path)
}

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
