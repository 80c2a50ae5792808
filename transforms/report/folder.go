package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/claim"
)

// FolderFile is the marker of a run's folder. It claims the files that belong to no
// single result: rows, shards, requests and the page.
const FolderFile = "morton.json"

// maxFolderBytes bounds that marker, which names a script for each mesh on the
// page.
const maxFolderBytes = 1 << 28

// Folder writes the files of a run's folder that belong to no single result. One process
// at a time has it open. In a store several may: a changed marker is read again, and the
// claims of others are kept.
type Folder struct {
	folderState
	dir    string
	policy claim.Policy
	unlock func() error
}

// folderState is the content of the folder's marker.
type folderState struct {
	files claim.Files
	there bool   // the marker exists
	tag   string // of the marker in a store
	old   bool   // it was replaced since it was read
}

// OpenFolder makes the folder if necessary and waits until no other process has it
// open. The error wraps [ErrMarker], or is the file system's.
func OpenFolder(dir string, policy claim.Policy) (*Folder, error) {
	if err := store.MkdirAll(dir); err != nil {
		return nil, err
	}
	unlock := func() error { return nil }
	if !store.Stored(dir) {
		var err error
		if unlock, err = atomicfile.Lock(dir); err != nil {
			return nil, err
		}
	}
	f := &Folder{dir: dir, policy: policy, unlock: unlock}
	if err := f.read(); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return f, nil
}

func (f *Folder) read() (err error) {
	f.folderState, err = readFolder(f.dir, f.policy.Overwrite)
	return err
}

// readFolder returns the content of the folder's marker. With overwrite, an unreadable
// one claims nothing.
func readFolder(dir string, overwrite bool) (folderState, error) {
	path := store.Join(dir, FolderFile)
	file, err := store.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return folderState{}, nil
	}
	if err != nil {
		return folderState{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return folderState{}, err
	}
	s := folderState{there: true, tag: store.Tag(info)}
	s.files, err = DecodeFolder(file)
	if errors.Is(err, ErrMarker) && overwrite {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w; move it away, or give --overwrite", path, err)
	}
	return s, nil
}

// folderMarker is the JSON form of the file.
type folderMarker struct {
	Files claim.Files `json:"files"`
}

// DecodeFolder reads the bytes of a folder's marker. The error wraps [ErrMarker].
func DecodeFolder(r io.Reader) (claim.Files, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFolderBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFolderBytes {
		return nil, fmt.Errorf("%w: over %d bytes", ErrMarker, maxFolderBytes)
	}
	var m folderMarker
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMarker, err)
	}
	if err := m.Files.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMarker, err)
	}
	return m.Files, nil
}

// EncodeFolder writes a folder's marker.
func EncodeFolder(w io.Writer, files claim.Files) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(folderMarker{files})
}

// CheckFolder returns nil if a run may write the files at the paths. It opens nothing
// for writing and does not wait. Existing rows must be readable. Errors are those of
// [claim.Files.Vacant], [OpenFolder] and [ReadResults].
func CheckFolder(dir string, policy claim.Policy, paths ...string) error {
	folder, err := readFolder(dir, policy.Overwrite)
	for err == nil {
		err = folder.check(dir, policy, paths)
		if !errors.Is(err, claim.ErrChanged) && !errors.Is(err, claim.ErrNotOurs) {
			return err
		}
		now, nerr := readFolder(dir, policy.Overwrite)
		if nerr != nil || slices.Equal(now.files, folder.files) {
			return err
		}
		folder, err = now, nil // a run of another kind has published meanwhile
	}
	return err
}

func (s *folderState) check(dir string, policy claim.Policy, paths []string) error {
	small := []string{ResultsFile, FailuresFile, SummaryFile}
	if err := s.files.Unchanged(dir, policy, small...); err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return slices.Contains(small, path) })
	if err := s.files.Vacant(dir, policy, rest...); err != nil {
		return err
	}
	_, _, err := readRows(dir, policy.Overwrite)
	return err
}

// put writes the claims sorted by path.
func (f *Folder) put(files claim.Files) error {
	files = slices.SortedFunc(slices.Values(files), func(a, b claim.File) int { return strings.Compare(a.Path, b.Path) })
	path := store.Join(f.dir, FolderFile)
	fill := func(w io.Writer) error { return EncodeFolder(w, files) }
	switch {
	case store.Stored(f.dir):
		return store.Swap(path, f.tag, fill)
	case f.there:
		return atomicfile.Replace(path, fill)
	}
	return atomicfile.New(path, fill)
}

// Bounds on rereading the marker of a store, and the pause between.
const (
	maxChanges  = 100
	changePause = 200 * time.Millisecond
)

// change replaces the claims by the result of do. If others changed the marker of a store
// in the meantime, theirs are read and do is called again.
func (f *Folder) change(do func(claim.Files) claim.Files) error {
	for n := 1; ; n++ {
		if f.old {
			if err := f.read(); err != nil {
				return err
			}
		}
		files := do(f.files)
		if slices.Equal(files, f.files) {
			return nil
		}
		err := f.put(files)
		if err == nil {
			f.files, f.there, f.old = files, true, store.Stored(f.dir)
			return nil
		}
		if f.old = store.Stored(f.dir) && errors.Is(err, fs.ErrExist); !f.old || n == maxChanges {
			return err
		}
		time.Sleep(rand.N(changePause))
	}
}

// Deliver moves the files of a batch to their places.
func (f *Folder) Deliver(b *claim.Batch) error {
	files, err := b.Seal()
	if err != nil {
		return err
	}
	if err := b.Check(f.files, f.policy); err != nil {
		return err
	}
	if err := f.change(func(old claim.Files) claim.Files { return old.And(files) }); err != nil {
		return err
	}
	if err := b.Place(f.files, f.policy); err != nil {
		return err
	}
	placed := map[string]bool{}
	for _, c := range files {
		placed[c.Path] = true
	}
	return f.change(func(old claim.Files) claim.Files {
		rest := slices.DeleteFunc(slices.Clone(old), func(c claim.File) bool { return placed[c.Path] })
		return append(rest, files...)
	})
}

// Write writes one file. fill receives the path to write to.
func (f *Folder) Write(path string, fill func(temp string) error) error {
	b, err := claim.Begin(f.dir)
	if err != nil {
		return err
	}
	defer b.End()
	temp, err := b.Path(path)
	if err != nil {
		return err
	}
	if err := fill(temp); err != nil {
		return err
	}
	return f.Deliver(b)
}

// Drop removes the claimed files that drop selects, unless they were changed.
func (f *Folder) Drop(drop func(path string) bool) error {
	dropped := map[claim.File]bool{}
	for _, c := range f.files {
		if !drop(c.Path) {
			continue
		}
		dropped[c] = true
		if (claim.Files{c}).Whole(f.dir) {
			if err := store.Remove(store.Join(f.dir, c.Path)); err != nil {
				return err
			}
		}
	}
	return f.change(func(old claim.Files) claim.Files {
		var kept claim.Files
		for _, c := range old {
			if !dropped[c] {
				kept = append(kept, c)
			}
		}
		return kept
	})
}

// Close allows the next process to open the folder.
func (f *Folder) Close() error { return f.unlock() }
