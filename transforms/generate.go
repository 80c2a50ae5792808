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

// Generate has the model generate from items, and writes what it made (see [Write], which
// passes that on). Up to Settings.InFlight items of a bundle are begun and not yet written.
// While the model works on some, others are read, measured and written, so that a fast model
// need not wait for one goroutine that does all this in turn. So a runner that passes one element at a time still fills the model's batch. Items
// leave in the order in which they finish.
func Generate(s beam.Scope, settings Settings, items beam.PCollection) (generated, outcomes beam.PCollection) {
	return beam.ParDo2(s.Scope("Generate"), &generateFn{stage: stage{Settings: settings}}, items)
}

type generateFn struct {
	stage

	done    chan generated // has room for all that are in flight, so no sender blocks
	flights int
}

// generated is an item back from the model.
type generated struct {
	item  *Item
	stage string // which err is of
	err   error
}

// ProcessElement starts one item, passes on those that are done, and waits until there is
// room for another, so that no more than Settings.InFlight are begun. Emitters are not
// safe for concurrent use, so everything is emitted from here and from FinishBundle, and
// nothing from the item's goroutine.
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
	Notify(Event{Kind: Started, Stage: stageGenerate, ID: it.Request.ID})
	lease := f.lease(it.Request.Family)
	go func() {
		g := generated{item: &Item{Request: it.Request, Media: it.Media, Condition: it.Media.Condition()}, stage: stageGenerate}
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
	f.flights--
	if g.err != nil {
		return f.settle(ctx, g.item.Request, g.stage, g.err, out)
	}
	drawnCounter.Inc(ctx, int64(g.item.Result.Tokens))
	items(g.item)
	return nil
}

// FinishBundle waits for what is in flight. It emits into the global window,
// which is the only one this package is for.
func (f *generateFn) FinishBundle(ctx context.Context, items func(*Item), out func(report.Outcome)) error {
	for f.flights > 0 {
		if err := f.land(ctx, <-f.done, items, out); err != nil {
			return err
		}
	}
	return nil
}
