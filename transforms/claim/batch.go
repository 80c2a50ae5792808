package claim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/store"
)

// Batch is a set of files to be moved into one folder. It is not safe for
// concurrent use.
type Batch struct {
	dir    string
	folder *atomicfile.Folder
	paths  []string
	noted  map[string]bool
	files  Files // after Seal
}

// Begin makes a hidden temporary folder in dir, which must exist. For a store it is in
// the system's temporary folder.
func Begin(dir string) (*Batch, error) {
	near := dir
	if store.Stored(dir) {
		near = os.TempDir()
	}
	folder, err := atomicfile.CreateFolder(near)
	if err != nil {
		return nil, err
	}
	return &Batch{dir: dir, folder: folder, noted: map[string]bool{}}, nil
}

// Path returns where to write the file that will be at path in the run's
// folder.
func (b *Batch) Path(path string) (string, error) {
	b.Add(path)
	temp := b.folder.Path(path)
	return temp, os.MkdirAll(filepath.Dir(temp), 0o755)
}

// Root returns the temporary folder, for a writer of several files: see Add.
func (b *Batch) Root() string { return b.folder.Path("") }

// Add records a file that was written under Root.
func (b *Batch) Add(path string) {
	if !b.noted[path] {
		b.noted[path] = true
		b.paths = append(b.paths, path)
	}
}

// Seal returns the claims of all written files, which must not change afterwards.
func (b *Batch) Seal() (Files, error) {
	b.files = make(Files, 0, len(b.paths))
	for _, path := range b.paths {
		f, err := describe(b.folder.Path(""), path, func(int64) bool { return true })
		if err != nil {
			return nil, err
		}
		b.files = append(b.files, f)
	}
	return b.files, nil
}

// Check returns nil if the sealed files may be moved to their places: see
// [Files.Vacant]. An equal file, or one of ours that was cut short, does not block.
func (b *Batch) Check(old Files, policy Policy) error {
	known := old.byPath()
	return store.Each(b.dir, len(b.files), func(i int) error {
		f := b.files[i]
		return b.check(known[f.Path], policy, f)
	})
}

func (b *Batch) check(old Files, policy Policy, f File) error {
	err := old.vacant(b.dir, policy, f.Path, f)
	if err != nil && b.restores(old, f, err) {
		return nil
	}
	return err
}

// restores reports whether f starts with the whole file in its place and a
// claim says that this file was longer. An object is never cut short.
func (b *Batch) restores(old Files, f File, err error) bool {
	if !errors.Is(err, ErrChanged) || store.Stored(b.dir) {
		return false
	}
	place := filepath.Join(b.dir, f.Path)
	info, err := os.Lstat(place)
	if err != nil || !info.Mode().IsRegular() || !cut(info.Size(), old.Of(f.Path)) {
		return false
	}
	return begins(b.folder.Path(f.Path), place)
}

// begins reports whether the file at long starts with all of the file at short.
func begins(long, short string) bool {
	l, err1 := os.Open(long)
	if err1 != nil {
		return false
	}
	defer l.Close()
	s, err2 := os.Open(short)
	if err2 != nil {
		return false
	}
	defer s.Close()
	a, c := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, err := io.ReadFull(s, a)
		if m, _ := io.ReadFull(l, c[:n]); m != n || !bytes.Equal(a[:n], c[:n]) {
			return false
		}
		if err != nil {
			return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
}

// Place puts the sealed files at their places, in the order of Path: in a store all at
// once, and the last when the others are there. Each is
// checked again in the same step that replaces what stands there.
func (b *Batch) Place(old Files, policy Policy) error {
	known := old.byPath()
	if store.Stored(b.dir) {
		put := func(i int) error { return b.put(known[b.files[i].Path], policy, b.files[i]) }
		last := len(b.files) - 1
		if err := store.Each(b.dir, last, put); err != nil || last < 0 {
			return err
		}
		return put(last)
	}
	changed := map[string]bool{}
	for _, f := range b.files {
		place := filepath.Join(b.dir, f.Path)
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			return err
		}
		if (Files{f}).standsIn(b.dir) {
			continue
		}
		if err := b.place(known[f.Path], policy, f, place); err != nil {
			return err
		}
		changed[filepath.Dir(place)] = true
	}
	for folder := range changed {
		if err := atomicfile.SyncFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

// standsIn reports whether dir has regular files with these contents.
func (f Files) standsIn(dir string) bool {
	for _, c := range f {
		if info, err := store.Lstat(store.Join(dir, c.Path)); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return f.Whole(dir)
}

func (b *Batch) place(old Files, policy Policy, f File, place string) error {
	temp := b.folder.Path(f.Path)
	before, err := os.Lstat(place)
	if errors.Is(err, fs.ErrNotExist) {
		err = atomicfile.Move(temp, place)
		if errors.Is(err, fs.ErrExist) {
			return b.meanwhile(f, err)
		}
		return err
	}
	if err != nil {
		return err
	}
	if err := b.check(old, policy, f); err != nil {
		return err
	}
	err = atomicfile.Swap(temp, place, func(path string) bool {
		now, err := os.Lstat(path)
		return err == nil && os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
	})
	if errors.Is(err, fs.ErrExist) {
		return b.meanwhile(f, err)
	}
	return err
}

// put moves one file to a free place, or over the object that was checked. An object of
// equal bytes counts as done.
func (b *Batch) put(old Files, policy Policy, f File) error {
	temp, place := b.folder.Path(f.Path), store.Join(b.dir, f.Path)
	err := store.PutNew(place, temp)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	before, err := store.Lstat(place)
	if err != nil {
		return err
	}
	if err := b.check(old, policy, f); err != nil {
		return err
	}
	if err = store.PutOver(place, temp, store.Tag(before)); errors.Is(err, fs.ErrExist) {
		return b.meanwhile(f, err)
	}
	return err
}

// meanwhile checks a file that appeared in a place concurrently: another attempt
// at the same result writes the same bytes.
func (b *Batch) meanwhile(f File, err error) error {
	if (Files{f}).standsIn(b.dir) {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrNotOurs, err)
}

// End removes the temporary folder.
func (b *Batch) End() error { return b.folder.Remove() }
