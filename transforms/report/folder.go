package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/transforms/claim"
)

// FolderFile is the marker of a run's folder. It claims the files that belong to no
// single result: rows, shards, requests and the page.
const FolderFile = "morton.json"

// maxFolderBytes bounds that marker: it names a script for each mesh of the page.
const maxFolderBytes = 1 << 28

// Folder writes the files of a run's folder that belong to no single result. One
// process at a time has it open.
type Folder struct {
	dir    string
	files  claim.Files
	there  bool // the marker is
	policy claim.Policy
	unlock func() error
}

// OpenFolder makes the folder if need be and waits until no other has it open. The
// error wraps [ErrMarker], or is the file system's.
func OpenFolder(dir string, policy claim.Policy) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	unlock, err := atomicfile.Lock(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{dir: dir, policy: policy, unlock: unlock}
	if f.files, f.there, err = readFolder(dir, policy.Overwrite); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return f, nil
}

// readFolder returns what the folder's marker claims, and whether there is one. With
// overwrite, one that cannot be read claims nothing.
func readFolder(dir string, overwrite bool) (files claim.Files, there bool, err error) {
	path := filepath.Join(dir, FolderFile)
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer file.Close()
	files, err = DecodeFolder(file)
	if errors.Is(err, ErrMarker) && overwrite {
		return nil, true, nil
	}
	if err != nil {
		return nil, true, fmt.Errorf("%s: %w; move it away, or give --overwrite", path, err)
	}
	return files, true, nil
}

// folderMarker is the form of the file.
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

// CheckFolder returns nil if a run may write the files at the paths. It opens
// nothing for writing, and waits for nobody. The rows that stand there must be
// readable. Errors are those of [claim.Files.Vacant], [OpenFolder] and [ReadResults].
func CheckFolder(dir string, policy claim.Policy, paths ...string) error {
	files, _, err := readFolder(dir, policy.Overwrite)
	if err != nil {
		return err
	}
	if err := files.Vacant(dir, policy, paths...); err != nil {
		return err
	}
	_, _, err = readRows(dir, policy.Overwrite)
	return err
}

// put writes the claims by the order of their paths: shards come in any.
func (f *Folder) put(files claim.Files) error {
	files = slices.SortedFunc(slices.Values(files), func(a, b claim.File) int { return strings.Compare(a.Path, b.Path) })
	path := filepath.Join(f.dir, FolderFile)
	fill := func(w io.Writer) error { return EncodeFolder(w, files) }
	if f.there {
		return atomicfile.Replace(path, fill)
	}
	err := atomicfile.New(path, fill)
	f.there = err == nil
	return err
}

// Deliver puts the files of a batch in their places.
func (f *Folder) Deliver(b *claim.Batch) error {
	files, err := b.Seal()
	if err != nil {
		return err
	}
	if err := b.Check(f.files, f.policy); err != nil {
		return err
	}
	if all := f.files.And(files); len(all) > len(f.files) {
		if err := f.put(all); err != nil {
			return err
		}
		f.files = all
	}
	if err := b.Place(f.files, f.policy); err != nil {
		return err
	}
	placed := map[string]bool{}
	for _, c := range files {
		placed[c.Path] = true
	}
	rest := slices.DeleteFunc(slices.Clone(f.files), func(c claim.File) bool { return placed[c.Path] })
	return f.settle(append(rest, files...))
}

// settle makes files all that is claimed.
func (f *Folder) settle(files claim.Files) error {
	if slices.Equal(files, f.files) {
		return nil
	}
	f.files = files
	return f.put(files)
}

// Write writes one file. Fill is given a path to write it to.
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

// Drop removes the claimed files that drop names, unless they were changed.
func (f *Folder) Drop(drop func(path string) bool) error {
	var kept claim.Files
	for _, c := range f.files {
		if !drop(c.Path) {
			kept = append(kept, c)
			continue
		}
		if (claim.Files{c}).Whole(f.dir) {
			if err := os.Remove(filepath.Join(f.dir, c.Path)); err != nil {
				return err
			}
		}
	}
	return f.settle(kept)
}

// Close lets the next one open the folder.
func (f *Folder) Close() error { return f.unlock() }
