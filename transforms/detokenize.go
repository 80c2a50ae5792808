package transforms

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	beam.RegisterDoFn(&detokenizeFn{})
}

// Detokenize reads the samples that requests name (sample Row of the shard Input)
// and decodes them to media. A request without a family is for a sample that was
// unreadable when the run started; it ends here as a failure.
func Detokenize(s beam.Scope, settings Settings, requests beam.PCollection) (items, outcomes beam.PCollection) {
	return beam.ParDo2(s.Scope("Detokenize"), &detokenizeFn{stage: stage{Settings: settings}}, requests)
}

type detokenizeFn struct {
	stage

	path   string // of the open shard; requests of one shard are consecutive
	local  *store.Copy
	reader *shard.Reader
}

// ProcessElement reads and detokenizes one sample.
func (f *detokenizeFn) ProcessElement(ctx context.Context, r request.Request, items func(*Item), out func(report.Outcome)) error {
	if ended, err := f.refused(ctx, r, stageDetokenize, out); ended {
		return err
	}
	f.begin(r)
	if r.Family == "" {
		_, err := f.sample(ctx, r)
		return f.settle(ctx, r, stageDetokenize, err, out)
	}
	var result *family.Result
	defer clock(ctx, stageDetokenize)()
	err := f.read(ctx, r, func(ctx context.Context, m family.Model) error {
		sample, err := f.sample(ctx, r)
		if err != nil {
			return err
		}
		result, err = m.Detokenize(ctx, sample)
		return err
	})
	if err != nil {
		return f.settle(ctx, r, stageDetokenize, err, out)
	}
	items(&Item{Request: r, Result: result})
	return nil
}

func (f *detokenizeFn) sample(ctx context.Context, r request.Request) (shard.Sample, error) {
	if f.path != r.Input {
		f.closeShard()
		local, err := store.Fetch(ctx, r.Input, f.Settings.InputLimit)
		if err != nil {
			return shard.Sample{}, err
		}
		reader, err := shard.Open(local.Path, shard.Limits{})
		if err != nil {
			return shard.Sample{}, errors.Join(local.Explain(err), local.Remove())
		}
		f.path, f.local, f.reader = r.Input, local, reader
	}
	sample, err := f.reader.At(r.Row)
	if err != nil {
		return shard.Sample{}, f.local.Explain(err)
	}
	of, err := family.OfKind(sample.Kind)
	switch {
	case err != nil:
		return shard.Sample{}, fmt.Errorf("sample %d of %s: %w", r.Row, r.Input, err)
	case of != r.Family:
		return shard.Sample{}, fmt.Errorf("%w: sample %d of %s has changed since the run began", shard.ErrSample, r.Row, r.Input)
	}
	return sample, nil
}

// FinishBundle closes the shard, since another bundle may never come.
func (f *detokenizeFn) FinishBundle(context.Context, func(*Item), func(report.Outcome)) error {
	f.closeShard()
	return nil
}

func (f *detokenizeFn) closeShard() {
	if f.reader != nil {
		f.reader.Close()
		f.local.Remove()
	}
	f.path, f.local, f.reader = "", nil, nil
}
