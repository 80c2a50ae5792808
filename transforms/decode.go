package transforms

import (
	"context"
	"errors"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	beam.RegisterDoFn(&decodeFn{})
}

// Decode reads the requests' inputs as their model expects them. It returns
// items, and outcomes of inputs that cannot be read.
func Decode(s beam.Scope, settings Settings, requests beam.PCollection) (items, outcomes beam.PCollection) {
	return beam.ParDo2(s.Scope("Decode"), &decodeFn{stage{Settings: settings}}, requests)
}

type decodeFn struct{ stage }

// ProcessElement decodes one input.
func (f *decodeFn) ProcessElement(ctx context.Context, r request.Request, items func(*Item), out func(report.Outcome)) error {
	if ended, err := f.refused(ctx, r, stageDecode, out); ended {
		return err
	}
	f.begin(r)
	it := &Item{Request: r}
	defer clock(ctx, stageDecode)()
	err := f.read(ctx, r, func(ctx context.Context, m family.Model) error {
		in, err := family.Fetch(ctx, r, f.Settings.InputLimit)
		if err != nil {
			return err
		}
		it.read = noteRead(ctx, in.Request.Input)
		it.Media, err = f.decode(ctx, m, in.Request)
		if err = in.Explain(err); err == nil && it.Media.Film != nil {
			it.inputs = in
			return nil
		}
		return errors.Join(err, in.Remove())
	})
	if err != nil {
		return f.settle(ctx, r, stageDecode, err, out)
	}
	items(it)
	return nil
}

// decode leaves the reading to Tokenize if the model can tokenize while it reads.
func (f *decodeFn) decode(ctx context.Context, m family.Model, r request.Request) (family.Media, error) {
	if s, ok := m.(family.Streamer); ok && f.Settings.Action == report.Tokenize {
		return s.Open(ctx, r)
	}
	return m.Decode(ctx, r)
}
