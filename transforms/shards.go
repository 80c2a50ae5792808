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
	beam.RegisterDoFn(&joinFn{})
}

// JoinShards joins the tokens of one family into n shards,
// <out>/<family>-0000-of-0004.parquet. A stable hash of the id deals the samples,
// and within a shard they stand by id, so the same inputs give the same bytes. What
// crosses the shuffle are the outcomes; the tokens are read from their files.
func JoinShards(s beam.Scope, settings Settings, n int, outcomes beam.PCollection) beam.PCollection {
	s = s.Scope("JoinShards")
	keyed := beam.ParDo(s, &shardKeyFn{Shards: max(n, 1)}, outcomes)
	return beam.ParDo(s, &joinFn{Settings: settings, Shards: max(n, 1)}, beam.GroupByKey(s, keyed))
}

type shardKeyFn struct{ Shards int }

// ProcessElement keys an outcome by its shard.
func (f *shardKeyFn) ProcessElement(o report.Outcome) (int, report.Outcome) {
	if o.Failed != nil {
		return place(o.Failed.ID, f.Shards), o
	}
	return place(o.Done.ID, f.Shards), o
}

type joinFn struct {
	Settings Settings
	Shards   int
}

// ProcessElement writes one shard and passes on its outcomes.
func (f *joinFn) ProcessElement(_ context.Context, shard int, next func(*report.Outcome) bool, out func(report.Outcome)) error {
	var done []report.Result
	for o := (report.Outcome{}); next(&o); o = (report.Outcome{}) {
		if o.Failed != nil {
			out(o)
		} else {
			done = append(done, *o.Done)
		}
	}
	if len(done) == 0 {
		return nil
	}
	slices.SortFunc(done, func(a, b report.Result) int { return strings.Compare(a.ID, b.ID) })
	name := shardName(f.Settings.Spec.Family, shard, f.Shards)
	if err := f.write(name, done); err != nil {
		notify(Event{Kind: Faulted, Stage: stagePublish, Err: err})
		return err
	}
	for i := range done {
		done[i].Shard = name
		out(report.Outcome{Done: &done[i]})
	}
	return nil
}

// write joins one shard aside, and opens the run's folder only to put it there.
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

// sweepShards removes the family's shards that earlier runs wrote and this one did
// not: of another number of shards, or with no sample left.
func sweepShards(s *Settings, outcomes []report.Outcome) error {
	kept := map[string]bool{}
	for _, o := range outcomes {
		if o.Done != nil {
			kept[o.Done.Shard] = true
		}
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
