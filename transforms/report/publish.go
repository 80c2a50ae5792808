package report

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/request"
)

// Actions in reports.
const (
	Generate   = "generate"
	Tokenize   = "tokenize"
	Detokenize = "detokenize"
)

// Run is what is published about a run besides its outcomes.
type Run struct {
	Name    string    `json:"name,omitempty"` // unique
	Action  string    `json:"action"`
	Command string    `json:"command"` // the command line
	Begun   time.Time `json:"begun"`
	// Own, if set, is the family whose tokenized samples are all from this run: those
	// of earlier runs are dropped. Shards belong to one run, while results
	// accumulate.
	Own request.Family `json:"own,omitempty"`
	// Asked is the number of requests. Those without an outcome were not reached.
	Asked int `json:"asked"`
	// Partial marks a run that was cut off. Unreached and CutOff are as in Summary, as far
	// as known.
	Partial   bool `json:"partial,omitempty"`
	Unreached int  `json:"unreached,omitempty"`
	CutOff    int  `json:"cut_off,omitempty"`
	// Overwrite permits replacing files that no run made.
	Overwrite bool `json:"overwrite,omitempty"`
}

// Files returns the files that Publish may write for results of the families,
// without the page's scripts, whose names depend on their contents.
func (r *Run) Files(families []request.Family) []string {
	files := []string{ResultsFile, FailuresFile, SummaryFile}
	if r.Action == Tokenize {
		return files
	}
	for _, f := range families {
		files = append(files, TokensFile(f))
	}
	return append(files, PageFile)
}

// Publish writes the files of a run's folder, each atomically. The rows of
// results.jsonl and failures.jsonl are sorted by family and id and include those of
// earlier runs. summary.json counts this run alone. Unless the run tokenizes,
// Publish also writes the page, and each family's tokens as one shard.
//
// If a file cannot be written, Publish still tries the rows and the summary. The
// returned summary counts all outcomes even on error.
func Publish(dir string, outcomes []Outcome, run Run) (Summary, error) {
	summary := Count(dir, outcomes, run)
	folder, err := OpenFolder(dir, claim.Policy{Overwrite: run.Overwrite})
	if err != nil {
		return summary, err
	}
	defer folder.Close()
	begun, err := moment(dir)
	if err != nil {
		return summary, err
	}
	old, err := readPast(dir, run.Overwrite)
	if err != nil {
		return summary, err
	}
	p := &publication{folder: folder, run: run, summary: &summary, made: map[key]bool{}}
	for i := range outcomes {
		if o := &outcomes[i]; o.Done != nil && !o.Done.Skipped {
			p.made[o.key()] = true
		}
	}
	p.results, p.failures = old.merge(outcomes, &run)
	p.shelves, p.moment = old.shelves, begun
	if err = p.all(); err == nil {
		return summary, nil
	}
	if err2 := p.rows(); err2 != nil && err2.Error() != err.Error() { // a full disk may have room for these
		err = fmt.Errorf("%w; nor could the rows alone be written: %w", err, err2)
	}
	return summary, err
}

// moment is now, by the clock of the disk, as far as it has one.
func moment(dir string) (time.Time, error) {
	if store.Stored(dir) {
		return time.Now(), nil
	}
	probe, err := atomicfile.CreateFolder(dir)
	if err != nil {
		return time.Time{}, err
	}
	info, err := os.Stat(probe.Path(""))
	if err = errors.Join(err, probe.Remove()); err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// publication is what Publish writes.
type publication struct {
	folder   *Folder
	run      Run
	summary  *Summary
	results  []Result
	failures []Failure
	made     map[key]bool // results of this run, which did not skip them
	shelves  []shelf
	moment   time.Time // before the markers were read
}

// all writes all files.
func (p *publication) all() error {
	b, err := claim.Begin(p.folder.dir)
	if err != nil {
		return err
	}
	defer b.End()
	if p.run.Action != Tokenize {
		if err := joinFamilies(p.folder.dir, b, p.results, p.made); err != nil {
			return err
		}
	}
	kept := map[string]bool{}
	for i := range p.shelves {
		if err := p.shelves[i].write(b, p.folder, p.moment, kept); err != nil {
			return err
		}
	}
	p.summary.Seconds = time.Since(p.run.Begun).Seconds()
	if p.run.Action != Tokenize {
		if err := writePage(b, p, kept); err != nil {
			return err
		}
	}
	if err := p.write(b); err != nil {
		return err
	}
	if err := p.folder.Deliver(b); err != nil {
		return err
	}
	return p.folder.Drop(func(path string) bool {
		return !kept[path] && (isIndex(path) || p.run.Action != Tokenize && filepath.Dir(path) == scriptFolder)
	})
}

// rows writes the rows and the summary. It is not known then which results are in a
// shard, so no row names one.
func (p *publication) rows() error {
	for i := range p.results {
		if p.results[i].Action != Tokenize {
			p.results[i].Shard = ""
		}
	}
	p.summary.Seconds = time.Since(p.run.Begun).Seconds()
	b, err := claim.Begin(p.folder.dir)
	if err != nil {
		return err
	}
	defer b.End()
	if err := p.write(b); err != nil {
		return err
	}
	return p.folder.Deliver(b)
}

// write writes the rows, and the summary last: who finds it finds all else.
func (p *publication) write(b *claim.Batch) error {
	for _, f := range []struct {
		path string
		fill func(io.Writer) error
	}{
		{ResultsFile, func(w io.Writer) error { return encodeRows(w, p.results) }},
		{FailuresFile, func(w io.Writer) error { return encodeRows(w, p.failures) }},
		{SummaryFile, func(w io.Writer) error { return encodeSummary(w, *p.summary) }},
	} {
		temp, err := b.Path(f.path)
		if err != nil {
			return err
		}
		if err := atomicfile.Replace(temp, f.fill); err != nil {
			return err
		}
	}
	return nil
}

// Count returns the summary of a run.
func Count(dir string, outcomes []Outcome, run Run) Summary {
	s := summarize(outcomes)
	s.Run, s.Action, s.Out, s.Seconds = run.Name, run.Action, dir, time.Since(run.Begun).Seconds()
	s.Unreached, s.CutOff = run.Unreached, run.CutOff
	if !run.Partial { // in a run that was cut off, failures in other processes have no outcome either
		s.Unreached = max(0, run.Asked-len(outcomes))
	}
	s.Complete = !run.Partial && s.Unreached == 0
	return s
}

// joinFamilies writes one shard per family and records it in the results. Samples of earlier
// runs are copied from the existing shard where possible. A sample whose own file has
// changed is in no shard. Tokenized samples have shards of their own.
func joinFamilies(dir string, b *claim.Batch, results []Result, made map[key]bool) error {
	byFamily := map[request.Family][]*Result{}
	for i := range results {
		if r := &results[i]; r.Action != Tokenize && r.Family.HasModel() {
			byFamily[r.Family] = append(byFamily[r.Family], r)
		}
	}
	for _, f := range slices.Sorted(maps.Keys(byFamily)) {
		temp, err := b.Path(TokensFile(f))
		if err != nil {
			return err
		}
		if err := joinFamily(dir, temp, TokensFile(f), byFamily[f], made); err != nil {
			for _, r := range byFamily[f] {
				r.Shard = ""
			}
			return err
		}
	}
	return nil
}

func joinFamily(dir, temp, name string, results []*Result, made map[key]bool) error {
	earlier := openEarlier(store.Join(dir, name))
	defer earlier.close()
	for _, r := range results {
		r.Shard = name
	}
	return joinTokens(dir, temp, results, earlier, made, func(r *Result, err error) error {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, shard.ErrCorrupt) || errors.Is(err, shard.ErrNotShard) {
			r.Shard = ""
			return nil
		}
		return err
	})
}
