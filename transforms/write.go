package transforms

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/mesh"
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
	return row, d.Finish(key, f.Settings.Run, row)
}

// writeTokens writes the sample of a result, if its family has tokens.
func writeTokens(it *Item, p report.Place, d *report.Delivery) error {
	if p.Tokens() == "" || it.Result.Sample.Kind == "" { // quads along the surface have none
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
		Truncated: it.Condition.Truncated, Damaged: it.Condition.DamagedFrames > 0, DamagedFrames: it.Condition.DamagedFrames, MadeBy: g.Method, Notes: g.Notes,
		Seconds: g.Elapsed.Seconds(), Waited: g.Waited.Seconds(),
	}
}

// writeMedia writes a clip, a picture, a rig, a mesh or planes, each by a file of its own here. Of a mesh
// it returns what a reader of the GLB gets.
func writeMedia(ctx context.Context, it *Item, p report.Place, row *report.Result, d *report.Delivery) (*mesh.Mesh, error) {
	switch m := it.Result.Media; {
	case m.Clip != nil:
		return nil, writeClip(ctx, it, p, row, d)
	case m.Picture != nil:
		return nil, writePicture(m.Picture, p, row, d)
	case m.Rig != nil:
		return nil, writeRig(m.Rig, p, row, d)
	case m.Mesh != nil:
		return writeMesh(m.Mesh, p, row, d)
	case m.Planes != nil:
		return nil, writePlanes(m.Planes, p, row, d)
	}
	return nil, nil
}

// writeTo has write write one file of a delivery.
func writeTo(d *report.Delivery, place string, write func(path string) error) error {
	path, err := d.Path(place)
	if err != nil {
		return err
	}
	return write(path)
}
