package transforms

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
)

func init() {
	beam.RegisterDoFn(&generateFn{})
}

// Generate generates from items with the model and writes the results (see [Write], which
// passes them on). Up to Settings.InFlight items of a bundle are in progress. While the model
// works on some, others are read, measured and written, so a runner that passes one element at
// a time still fills the model's batch. Items are emitted in the order in which they finish.
func Generate(s beam.Scope, settings Settings, items beam.PCollection) (generated, outcomes beam.PCollection) {
	return beam.ParDo2(s.Scope("Generate"), &generateFn{stage: stage{Settings: settings}}, items)
}

type generateFn struct {
	stage

	done    chan generated // buffered for all items in progress, so no sender blocks
	flights int
}

// generated is an item returned by the model.
type generated struct {
	item  *Item
	stage string // which err is of
	err   error
}

// ProcessElement starts one item, emits finished ones, and waits until fewer than
// Settings.InFlight are in progress. Emitters are not safe for concurrent use, so only
// this function and FinishBundle emit, never the item's goroutine.
func (f *generateFn) ProcessElement(ctx context.Context, it *Item, items func(*Item), out func(report.Outcome)) error {
	if f.done == nil {
		f.done = make(chan generated, f.Settings.inFlight())
	}
	f.start(ctx, it)
	for f.flights == cap(f.done) || len(f.done) > 0 {
		if err := f.land(ctx, <-f.done, items, out); err != nil {
			return err
		}
	}
	return nil
}

func (f *generateFn) start(ctx context.Context, it *Item) {
	f.flights++
	inFlight.Inc()
	Notify(Event{Kind: Started, Stage: stageGenerate, ID: it.Request.ID})
	lease := f.lease(it.Request.Family)
	go func() {
		g := generated{item: &Item{Request: it.Request, Media: it.Media, Condition: it.Media.Condition(), read: it.read}, stage: stageGenerate}
		g.err = attempt(ctx, f.Settings.Run, lease, func(ctx context.Context, m family.Model) (err error) {
			g.item.Result, err = m.Generate(ctx, it.Request, it.Media)
			return err
		})
		if g.err == nil {
			g.stage, g.err = stageWrite, f.deliver(ctx, lease, g.item)
		}
		f.done <- g
	}()
}

func (f *generateFn) land(ctx context.Context, g generated, items func(*Item), out func(report.Outcome)) error {
	together := f.flights
	f.flights--
	inFlight.Dec()
	if g.err != nil {
		if g.stage == stageWrite {
			timed(ctx, stageWrite, g.item.wrote)
		} else {
			failedInferences.Inc(ctx, 1)
		}
		return f.settle(ctx, g.item.Request, g.stage, g.err, out)
	}
	drawnCounter.Inc(ctx, int64(g.item.Result.Tokens))
	noteGenerated(ctx, g.item.Result, together)
	items(g.item)
	return nil
}

// FinishBundle waits for all items in progress. It emits into the global
// window, the only one supported.
func (f *generateFn) FinishBundle(ctx context.Context, items func(*Item), out func(report.Outcome)) error {
	for f.flights > 0 {
		if err := f.land(ctx, <-f.done, items, out); err != nil {
			return err
		}
	}
	return nil
}
