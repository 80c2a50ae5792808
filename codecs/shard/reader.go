package shard

import (
	"fmt"
	"io"
	"os"
	"sort"
	"sync"
)

// Reader reads one shard, in order or by index. It keeps one decoded row group
// at a time. Its methods are safe for concurrent use; each sample is then
// returned by one call of Next.
type Reader struct {
	mu     sync.Mutex
	path   string
	file   io.Closer // nil when closed
	groups groupReader
	footer *footer
	next   int64
	held   int // index of the decoded group, -1 if none
	rows   *groupColumns
}

// Open opens the shard at path and checks its footer and columns. The error
// wraps [ErrNotShard], [ErrSchema], [ErrCorrupt] or [ErrLimit], or is the file
// system's.
func Open(path string, limits Limits) (*Reader, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("shard.Open: %w", err)
	}
	if !info.Mode().IsRegular() { // opening a pipe may block forever
		return nil, fmt.Errorf("shard.Open: %s: %w: it is a folder, pipe or device", path, ErrNotShard)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("shard.Open: %w", err)
	}
	r, err := openFile(file, limits)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("shard.Open: %s: %w", path, err)
	}
	r.path = path
	return r, nil
}

func openFile(file *os.File, limits Limits) (*Reader, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	r, err := newReader(file, info.Size(), limits)
	if err != nil {
		return nil, err
	}
	r.file = file
	return r, nil
}

// newReader reads a shard of the given size from any source.
func newReader(from io.ReaderAt, size int64, limits Limits) (*Reader, error) {
	limits = limits.withDefaults()
	f, err := readFooter(from, size, limits)
	if err != nil {
		return nil, err
	}
	l, err := findLayout(f.schema)
	if err != nil {
		return nil, err
	}
	return &Reader{file: io.NopCloser(nil), groups: groupReader{from, l, limits}, footer: f, held: -1}, nil
}

// Close closes the file. Samples already read stay valid.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file, r.rows, r.held = nil, nil, -1
	return err
}

// Len returns the number of samples.
func (r *Reader) Len() int { return int(r.footer.rows) }

// Next returns the next sample, or [io.EOF] after the last. The caller must not
// modify the sample's slices.
func (r *Reader) Next() (Sample, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next >= r.footer.rows {
		return Sample{}, io.EOF
	}
	s, err := r.at(r.next)
	if err != nil {
		return Sample{}, fmt.Errorf("shard.Next: %s: %w", r.path, err)
	}
	r.next++
	return s, nil
}

// At returns sample i, counted from 0. It decodes the row group of i (about a
// megabyte of tokens, see [Writer]) unless the previous call did. The error
// wraps [ErrRange], [ErrClosed] or the reading error. A [GroupError] affects all
// samples of the group, any other error this one alone.
func (r *Reader) At(i int) (Sample, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i < 0 || int64(i) >= r.footer.rows {
		return Sample{}, fmt.Errorf("shard.At: %w: %d of %d", ErrRange, i, r.footer.rows)
	}
	s, err := r.at(int64(i))
	if err != nil {
		return Sample{}, fmt.Errorf("shard.At: %s: %w", r.path, err)
	}
	return s, nil
}

func (r *Reader) at(i int64) (Sample, error) {
	if r.file == nil {
		return Sample{}, ErrClosed
	}
	groups := r.footer.groups
	n := sort.Search(len(groups), func(g int) bool { return groups[g].first+groups[g].rows > i })
	g := &groups[n]
	if r.held != n {
		rows, err := r.groups.columns(g)
		if err != nil {
			return Sample{}, &GroupError{First: int(g.first), End: int(g.first + g.rows), Err: err}
		}
		r.held, r.rows = n, rows
	}
	s, err := r.rows.sample(int(i-g.first), r.groups.limits)
	if err != nil {
		return Sample{}, fmt.Errorf("sample %d: %w", i, err)
	}
	return s, nil
}

// GroupError reports the samples of a row group that cannot be decoded.
type GroupError struct {
	First, End int // samples First to End-1
	Err        error
}

func (e *GroupError) Error() string {
	return fmt.Sprintf("samples %d to %d: %v", e.First, e.End-1, e.Err)
}

// Unwrap returns the error of reading the row group.
func (e *GroupError) Unwrap() error { return e.Err }

// Index returns the ids of all samples in order. It reads that column alone.
// The id at index i belongs to sample At(i).
func (r *Reader) Index() ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil, fmt.Errorf("shard.Index: %w", ErrClosed)
	}
	var all []string
	for n := range r.footer.groups {
		ids, err := r.groups.ids(&r.footer.groups[n])
		if err != nil {
			return nil, fmt.Errorf("shard.Index: %s: row group %d: %w", r.path, n, err)
		}
		all = append(all, ids...)
	}
	return all, nil
}
