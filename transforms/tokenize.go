package transforms

import (
	"context"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	beam.RegisterDoFn(&tokenizeFn{})
}

// Tokenize encodes decoded items to samples.
func Tokenize(s beam.Scope, settings Settings, items beam.PCollection) (tokenized, outcomes beam.PCollection) {
	return beam.ParDo2(s.Scope("Tokenize"), &tokenizeFn{stage{Settings: settings}}, items)
}

type tokenizeFn struct{ stage }

// ProcessElement tokenizes one item.
func (f *tokenizeFn) ProcessElement(ctx context.Context, it *Item, items func(*Item), out func(report.Outcome)) error {
	defer it.inputs.Remove() // a later process sweeps if this fails
	result := &family.Result{Notes: it.Media.Notes()}
	f.follow(it)
	begun := time.Now()
	attempt := f.read
	if it.Media.Film == nil { // it was read before
		attempt = func(ctx context.Context, r request.Request, work func(context.Context, family.Model) error) error {
			return f.attempt(ctx, r.Family, work)
		}
	}
	err := attempt(ctx, it.Request, func(ctx context.Context, m family.Model) (err error) {
		result.Sample, result.Measures, err = m.Tokenize(ctx, it.Request, it.Media)
		return it.inputs.Explain(err)
	})
	if err != nil {
		return f.settle(ctx, it.Request, stageOf(it.Media.Film), err, out)
	}
	result.Elapsed = time.Since(begun)
	timed(ctx, stageTokenize, result.Elapsed)
	items(&Item{Request: it.Request, Result: result, Condition: it.Media.Condition(), read: it.read})
	return nil
}

// follow reports a film's progress to the observer.
func (f *tokenizeFn) follow(it *Item) {
	film := it.Media.Film
	if film == nil {
		return
	}
	film.Watch(func(frames, of int) {
		Notify(Event{Kind: Advanced, Stage: stageTokenize, ID: it.Request.ID, Frames: frames, Of: of})
	})
}

// stageOf returns the stage that failed. Errors in a film's file occur while it is
// tokenized.
func stageOf(film *family.Film) string {
	if film != nil && film.Err() != nil {
		return stageDecode
	}
	return stageTokenize
}
