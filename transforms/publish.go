package transforms

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/transforms/report"
)

func init() {
	beam.RegisterDoFn(&publishFn{})
	beam.RegisterFunction(countOutcomes)
}

// Publish collects all outcomes of a run and publishes them (see
// [report.Publish]). It is the shuffle after the stages that write. Prism spins
// a core while a stage without a consumed output runs, so those outputs are
// consumed here, and so is the output of this stage, the number of outcomes.
func Publish(s beam.Scope, settings Settings, run report.Run, outcomes ...beam.PCollection) {
	s = s.Scope("Publish")
	all := beam.Flatten(s, outcomes...)
	grouped := beam.GroupByKey(s, beam.AddFixedKey(s, all))
	beam.ParDo0(s, countOutcomes, beam.Reshuffle(s, beam.ParDo(s, &publishFn{Settings: settings, Run: run}, grouped)))
}

var publishedCounter = beam.NewCounter("morton", "outcomes")

func countOutcomes(ctx context.Context, n int64) { publishedCounter.Inc(ctx, n) }

type publishFn struct {
	Settings Settings
	Run      report.Run
}

// ProcessElement publishes the single group.
func (f *publishFn) ProcessElement(_ context.Context, _ int, next func(*report.Outcome) bool, count func(int64)) error {
	var outcomes []report.Outcome
	for o := (report.Outcome{}); next(&o); o = (report.Outcome{}) {
		outcomes = append(outcomes, o)
	}
	if err := f.publish(outcomes); err != nil {
		Notify(Event{Kind: Faulted, Stage: stagePublish, Err: err})
		return err
	}
	count(int64(len(outcomes)))
	return nil
}

func (f *publishFn) publish(outcomes []report.Outcome) error {
	if _, err := report.Publish(f.Settings.Out, outcomes, f.Run); err != nil {
		return err
	}
	if f.Run.Action == report.Tokenize {
		return sweepShards(&f.Settings)
	}
	return nil
}
