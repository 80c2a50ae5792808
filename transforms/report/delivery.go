package report

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/claim"
)

// Delivery is one result being written. Its files are written to temporary names,
// a marker claims them, they are moved to their places, and the marker of a
// finished result is written. So an attempt that ends at any point can be
// repeated.
type Delivery struct {
	dir    string
	marker Marker // content of the claiming marker
	old    *Marker
	policy claim.Policy
	batch  *claim.Batch
}

// Vacant returns nil if the result may be written: its place is free, or an earlier
// result of the same action and source has it. The error wraps [claim.ErrNotOurs],
// [claim.ErrChanged] or [claim.ErrInput], or is the file system's.
func Vacant(dir string, r Result, policy claim.Policy) error {
	_, err := vacant(dir, r, policy)
	return err
}

func vacant(dir string, r Result, policy claim.Policy) (*Marker, error) {
	p := Place{r.Family, r.ID}
	old, err := owner(dir, r, policy)
	if err != nil {
		return nil, err
	}
	var files claim.Files
	if old != nil {
		files = old.Files
	}
	if input, ok := policy.Inputs.At(store.Join(dir, p.Marker())); ok {
		return nil, fmt.Errorf("%w: %s is %s", claim.ErrInput, store.Join(dir, p.Marker()), input)
	}
	return old, files.Vacant(dir, policy, p.Files(r.Action)...)
}

// owner returns the marker at the place, or nil.
func owner(dir string, r Result, policy claim.Policy) (*Marker, error) {
	p := Place{r.Family, r.ID}
	m, err := ReadMarker(dir, p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err == nil && (policy.Overwrite || m.Of(r.Action, Source(dir, r.Input))):
		return &m, nil
	case err == nil:
		return nil, fmt.Errorf("%w for this input: the id %s is taken by what %s made of %s", claim.ErrNotOurs, r.ID, m.Result.Action, m.from())
	case errors.Is(err, ErrMarker) && policy.Overwrite:
		return &Marker{Result: r}, nil
	case errors.Is(err, ErrMarker):
		return nil, fmt.Errorf("%w: %w; move it away, or give --overwrite", claim.ErrNotOurs, err)
	}
	return nil, err
}

// from describes to a user what the result was made from.
func (m *Marker) from() string {
	if m.Result.Input == "" {
		return "nothing"
	}
	return m.Result.Input
}

// Deliver starts the delivery of a result with known request and action. Errors
// are those of [Vacant].
func Deliver(dir string, r Result, policy claim.Policy) (*Delivery, error) {
	old, err := vacant(dir, r, policy)
	if err != nil {
		return nil, err
	}
	if err := store.MkdirAll(dir); err != nil {
		return nil, err
	}
	batch, err := claim.Begin(dir)
	if err != nil {
		return nil, err
	}
	return &Delivery{dir: dir, old: old, policy: policy, batch: batch, marker: Marker{Source: Source(dir, r.Input)}}, nil
}

// Path returns where to write the file that will be at path in the run's
// folder.
func (d *Delivery) Path(path string) (string, error) { return d.batch.Path(path) }

// Finish moves the files and the marker to their places, for the run of that name. It sets
// the result's BytesWritten. Errors are those of [Vacant], for changes in the meantime.
func (d *Delivery) Finish(fingerprint, run string, r *Result) error {
	files, err := d.batch.Seal()
	if err != nil {
		return err
	}
	r.BytesWritten = 0
	for _, f := range files {
		r.BytesWritten += f.Size
	}
	var known claim.Files
	if d.old != nil {
		known = d.old.Files
	}
	if err := d.batch.Check(known, d.policy); err != nil {
		return err
	}
	m := d.marker
	m.Run, m.Result, m.Files = run, *r, known.And(files)
	if err := m.put(d.dir, d.old == nil); err != nil && !d.shared(err, m) {
		return err
	}
	if err := d.batch.Place(known, d.policy); err != nil {
		return err
	}
	if err := d.drop(known, files); err != nil {
		return err
	}
	m.Fingerprint, m.Files = fingerprint, files
	return m.put(d.dir, false)
}

// drop removes the earlier result's files that the new one lacks, such as the tokens of a
// method that the new one does without. One that was changed stays.
func (d *Delivery) drop(known, files claim.Files) error {
	for _, c := range known {
		if len(files.Of(c.Path)) > 0 || !(claim.Files{c}).Whole(d.dir) {
			continue
		}
		if err := store.Remove(store.Join(d.dir, c.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// shared reports whether a marker that appeared in the meantime is of the same
// result: a bundle may run twice concurrently.
func (d *Delivery) shared(err error, m Marker) bool {
	if !errors.Is(err, fs.ErrExist) {
		return false
	}
	other, err := ReadMarker(d.dir, Place{m.Result.Family, m.Result.ID})
	return err == nil && other.Of(m.Result.Action, m.Source)
}

// Close removes the temporary files.
func (d *Delivery) Close() error { return d.batch.End() }
