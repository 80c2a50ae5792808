package transforms

import (
	"context"
	"errors"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"

	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// Names of the stages in failures.jsonl.
const (
	stageDecode     = "decode"
	stageTokenize   = "tokenize"
	stageGenerate   = "generate"
	stageDetokenize = "detokenize"
	stageWrite      = "write"
	stagePublish    = "publish" // in events only: a run has one for all
)

// Counters that every runner collects. They count attempts, so a retried bundle
// counts twice. The summary has exact numbers.
var (
	doneCounter   = beam.NewCounter("morton", "done")
	failedCounter = beam.NewCounter("morton", "failed")
	drawnCounter  = beam.NewCounter("morton", "tokens_generated")
)

// settle ends an item after an error. A fault is returned and fails the bundle; any
// other error becomes the item's outcome.
func (s *stage) settle(ctx context.Context, r request.Request, name string, err error, out func(report.Outcome)) error {
	var f fault
	if errors.As(err, &f) {
		Notify(Event{Kind: Faulted, Stage: name, ID: r.ID, Err: f.error})
		return f.error
	}
	failedCounter.Inc(ctx, 1)
	s.count(0, 1)
	o := report.Fail(r, name, err)
	log.Warnf(ctx, "%s: %s failed: %s: %s", r.ID, name, o.Failed.Kind, o.Failed.Message) // the runner's log is all that some see
	s.noteFailure(o)
	Notify(Event{Kind: Failed, Stage: name, ID: r.ID, Err: err, Outcome: &o})
	out(o)
	return nil
}

// finish reports a finished item.
func (s *stage) finish(ctx context.Context, r report.Result, out func(report.Outcome)) {
	doneCounter.Inc(ctx, 1)
	s.count(1, 0)
	o := report.Outcome{Done: &r}
	Notify(Event{Kind: Finished, Stage: stageWrite, ID: r.ID, Outcome: &o})
	out(o)
}
