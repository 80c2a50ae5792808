package transforms

import (
	"context"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
)

func init() {
	beam.RegisterDoFn(&writeFn{})
}

// Write writes each item's result into the run's folder: see [report.Place] and
// [report.Delivery]. It writes media and tokens to temporary files, then a marker that
// claims them. It moves all to their places and then writes the marker of a finished
// result. The same request gives the same tokens, so bundles may be retried, even
// concurrently. Write replaces unclaimed files only under Settings.Overwrite, and
// never an input.
func Write(s beam.Scope, settings Settings, items beam.PCollection) (outcomes beam.PCollection) {
	return beam.ParDo(s.Scope("Write"), &writeFn{stage{Settings: settings}}, items)
}

type writeFn struct{ stage }

// ProcessElement writes one result.
func (f *writeFn) ProcessElement(ctx context.Context, it *Item, out func(report.Outcome)) error {
	if it.row == nil {
		if err := f.deliver(ctx, f.lease(it.Request.Family), it); err != nil {
			timed(ctx, stageWrite, it.wrote)
			return f.settle(ctx, it.Request, stageWrite, err, out)
		}
	}
	timed(ctx, stageWrite, it.wrote)
	f.finish(ctx, *it.row, out)
	return nil
}

// deliver is write with the usual attempts. It is safe for concurrent use with one item each.
func (s *stage) deliver(ctx context.Context, lease *family.Lease, it *Item) error {
	begun := time.Now()
	defer func() { it.wrote = time.Since(begun) }()
	return attempt(ctx, s.Settings.Run, lease, func(ctx context.Context, m family.Model) error {
		row, err := s.write(ctx, it, m)
		if err == nil {
			it.row = &row
		}
		return err
	})
}

// write delivers a result. The file in its place was checked when the request
// started (see [SkipDone]) and is checked again here, since it may have changed.
func (s *stage) write(ctx context.Context, it *Item, m family.Model) (report.Result, error) {
	row := s.row(it, m)
	d, err := report.Deliver(s.Settings.Out, row, s.policy(it.Request))
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
	key := it.Request.Fingerprint(s.Settings.Action, m.Name())
	if err := d.Finish(key, s.Settings.Run, &row); err != nil {
		return row, err
	}
	writtenBytes.Add(float64(row.BytesWritten))
	return row, nil
}

// writeTokens writes the sample of a result if its family has tokens.
func writeTokens(it *Item, p report.Place, d *report.Delivery) error {
	if p.Tokens() == "" || it.Result.Sample.Kind == "" { // quads along the surface have no tokens
		return nil
	}
	sample := it.Result.Sample
	sample.ID = it.Request.ID
	if sample.Source == "" {
		sample.Source = it.Request.Input
	}
	return writeTo(d, p.Tokens(), func(path string) error { return report.WriteSample(path, sample) })
}

func (s *stage) row(it *Item, m family.Model) report.Result {
	g := it.Result
	device := ""
	if d, ok := m.(family.OnDevice); ok && g.Sample.Kind != "" {
		device = d.Device()
	}
	var notes []string
	for _, note := range g.Notes {
		notes = append(notes, report.Plain(note))
	}
	return report.Result{
		Request: it.Request, Action: s.Settings.Action, Model: m.Name(), Device: device,
		TokenCount: len(g.Sample.Tokens), Drawn: g.Tokens, TokensSHA256: report.HashTokens(g.Sample.Tokens),
		Truncated: it.Condition.Truncated, Damaged: it.Condition.DamagedFrames > 0, DamagedFrames: it.Condition.DamagedFrames, MadeBy: g.Method, ClassName: g.Class, Notes: notes,
		BytesRead: it.read, Seconds: g.Elapsed.Seconds(), Waited: g.Waited.Seconds(),
	}
}

// writeMedia writes a clip, a picture, a rig, a mesh or planes, each in a file of its own here. For a
// mesh it returns what a reader of the GLB gets.
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

// writeTo writes one file of a delivery with write.
func writeTo(d *report.Delivery, place string, write func(path string) error) error {
	path, err := d.Path(place)
	if err != nil {
		return err
	}
	return write(path)
}
