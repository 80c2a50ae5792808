package transforms

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
)

func init() {
	beam.RegisterDoFn(&tokenizeFn{})
}

// Tokenize turns decoded items into samples.
func Tokenize(s beam.Scope, settings Settings, items beam.PCollection) (tokenized, outcomes beam.PCollection) {
	return beam.ParDo2(s.Scope("Tokenize"), &tokenizeFn{stage{Settings: settings}}, items)
}

type tokenizeFn struct{ stage }

// ProcessElement tokenizes one item.
func (f *tokenizeFn) ProcessElement(ctx context.Context, it *Item, items func(*Item), out func(report.Outcome)) error {
	result := &family.Result{}
	err := f.attempt(ctx, it.Request.Family, func(ctx context.Context, m family.Model) (err error) {
		result.Sample, result.Measures, err = m.Tokenize(ctx, it.Request, it.Media)
		return err
	})
	if err != nil {
		return f.settle(ctx, it.Request, stageTokenize, err, out)
	}
	items(&Item{Request: it.Request, Result: result})
	return nil
}
