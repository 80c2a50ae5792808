package transforms

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	beam.RegisterDoFn(&shardKeyFn{})
	beam.RegisterDoFn(&everyShardFn{})
	beam.RegisterDoFn(&joinFn{})
}

// JoinShards joins the tokens of one family into Settings.Shards shards,
// <out>/<family>-0000-of-0004.parquet, all of which are written, even empty ones. A
// stable hash of the id assigns a sample to a shard, and a shard is sorted by id, so the
// same inputs give the same bytes. Outcomes cross the shuffle; tokens are read from
// their files.
func JoinShards(s beam.Scope, settings Settings, outcomes beam.PCollection) beam.PCollection {
	s = s.Scope("JoinShards")
	keyed := beam.ParDo(s, &shardKeyFn{Shards: settings.shards()}, outcomes)
	every := beam.ParDo(s, &everyShardFn{Shards: settings.shards()}, beam.Impulse(s))
	return beam.ParDo(s, &joinFn{Settings: settings}, beam.GroupByKey(s, beam.Flatten(s, keyed, every)))
}

func (s *Settings) shards() int { return max(s.Shards, 1) }

// everyShardFn emits an outcome for each shard that is neither result nor failure, so
// that every shard is written.
type everyShardFn struct{ Shards int }

// ProcessElement is called once, by the impulse.
func (f *everyShardFn) ProcessElement(_ []byte, emit func(int, report.Outcome)) {
	for i := range f.Shards {
		emit(i, report.Outcome{})
	}
}

type shardKeyFn struct{ Shards int }

// ProcessElement keys an outcome by its shard.
func (f *shardKeyFn) ProcessElement(o report.Outcome) (int, report.Outcome) {
	if o.Failed != nil {
		return place(o.Failed.ID, f.Shards), o
	}
	return place(o.Done.ID, f.Shards), o
}

type joinFn struct{ Settings Settings }

// ProcessElement writes one shard and passes on its outcomes.
func (f *joinFn) ProcessElement(_ context.Context, shard int, next func(*report.Outcome) bool, out func(report.Outcome)) error {
	var done []report.Result
	for o := (report.Outcome{}); next(&o); o = (report.Outcome{}) {
		switch {
		case o.Failed != nil:
			out(o)
		case o.Done != nil:
			done = append(done, *o.Done)
		}
	}
	slices.SortFunc(done, func(a, b report.Result) int { return strings.Compare(a.ID, b.ID) })
	name := shardName(f.Settings.Spec.Family, shard, f.Settings.shards())
	if err := f.write(name, done); err != nil {
		Notify(Event{Kind: Faulted, Stage: stagePublish, Err: err})
		return err
	}
	for i := range done {
		done[i].Shard = name
		out(report.Outcome{Done: &done[i]})
	}
	return nil
}

// write joins one shard to a temporary file. It opens the run's folder only to
// move it there.
func (f *joinFn) write(name string, done []report.Result) error {
	b, err := claim.Begin(f.Settings.Out)
	if err != nil {
		return err
	}
	defer b.End()
	temp, err := b.Path(name)
	if err != nil {
		return err
	}
	if err := report.JoinTokens(f.Settings.Out, temp, done); err != nil {
		return err
	}
	folder, err := report.OpenFolder(f.Settings.Out, claim.Policy{Overwrite: f.Settings.Overwrite})
	if err != nil {
		return err
	}
	return errors.Join(folder.Deliver(b), folder.Close())
}

// ShardFiles returns the shards that JoinShards may write.
func ShardFiles(f request.Family, n int) []string {
	files := make([]string, max(n, 1))
	for i := range files {
		files[i] = shardName(f, i, len(files))
	}
	return files
}

func shardName(f request.Family, i, n int) string {
	return fmt.Sprintf("%s-%04d-of-%04d.parquet", f, i, n)
}

// sweepShards removes the family's shards of runs with another number of shards.
func sweepShards(s *Settings) error {
	kept := map[string]bool{}
	for _, name := range ShardFiles(s.Spec.Family, s.shards()) {
		kept[name] = true
	}
	folder, err := report.OpenFolder(s.Out, claim.Policy{})
	if err != nil {
		return err
	}
	pattern := string(s.Spec.Family) + "-[0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9].parquet"
	err = folder.Drop(func(path string) bool {
		ours, _ := filepath.Match(pattern, path)
		return ours && !kept[path]
	})
	return errors.Join(err, folder.Close())
}
