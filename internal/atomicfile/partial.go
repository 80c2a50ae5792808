package atomicfile

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// foreignAge is the age at which a temporary file of another host counts as left
// behind. Locks may not work across hosts.
const foreignAge = 24 * time.Hour

// partialPattern matches the names of temporary files and folders.
var partialPattern = regexp.MustCompile(`^\.partial-([0-9a-f]{8})[0-9a-f]{8}(-.*)?$`)

// onTheWay matches those names in a text, with the separator after them.
var onTheWay = regexp.MustCompile(`\.partial-[0-9a-f]{16}(?:[-/]|\b)`)

// Visible replaces, in a text such as an error's, temporary files by their final names
// and temporary folders by their parents.
func Visible(text string) string { return onTheWay.ReplaceAllString(text, "") }

// host returns eight digits that identify the host.
var host = sync.OnceValue(func() string {
	name, _ := os.Hostname() // hosts without a name share one
	h := fnv.New32a()
	h.Write([]byte(name))
	return fmt.Sprintf("%08x", h.Sum32())
})

func partialName() string { return fmt.Sprintf(".partial-%s%08x", host(), rand.Uint32()) }

// Folder is a hidden temporary folder. Its lock tells [Sweep] that its process
// is alive.
type Folder struct {
	lock *os.File
	path string
}

// CreateFolder creates one in parent, which must exist.
func CreateFolder(parent string) (*Folder, error) {
	for range attempts {
		path := filepath.Join(parent, partialName())
		err := os.Mkdir(path, 0o777)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lock, err := os.Open(path)
		if err == nil && hold(lock) {
			return &Folder{lock: lock, path: path}, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(err, os.Remove(path))
		}
	}
	return nil, fmt.Errorf("atomicfile.CreateFolder: no free name in %s: %w", parent, fs.ErrExist)
}

// Path returns the path of name in the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.path, name) }

// Remove removes the folder with its contents.
func (f *Folder) Remove() error { return errors.Join(os.RemoveAll(f.path), f.lock.Close()) }

// aside reports whether path is in a temporary folder. Renames in it need not
// survive a power cut, since the whole folder may be lost.
func aside(path string) bool {
	return strings.Contains(filepath.ToSlash(filepath.Dir(path))+"/", "/.partial-")
}

// hold locks f while it is open, and reports whether f still exists: a sweep may
// have removed it before. A file system without locks ignores the lock.
func hold(f *os.File) bool {
	if err := lock(f, syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return false
	}
	mine, err1 := f.Stat()
	there, err2 := os.Lstat(f.Name())
	if err1 == nil && err2 == nil && os.SameFile(mine, there) {
		return true
	}
	f.Close()
	return false
}

func lock(f *os.File, how int) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if e := c.Control(func(fd uintptr) {
		for err = syscall.EINTR; err == syscall.EINTR; {
			err = syscall.Flock(int(fd), how)
		}
	}); e != nil {
		return e
	}
	return err
}

// Lock waits until it has the exclusive lock of a folder, across processes, and
// returns a function that releases it. On a file system without locks it does not
// wait.
func Lock(folder string) (unlock func() error, err error) { return lockFolder(folder, syscall.LOCK_EX) }

// TryLock is [Lock] without waiting. If another process has the lock, or this one has it
// already, the error is [ErrLocked].
func TryLock(folder string) (unlock func() error, err error) {
	return lockFolder(folder, syscall.LOCK_EX|syscall.LOCK_NB)
}

// ErrLocked reports a folder that is locked.
var ErrLocked = errors.New("the folder is locked")

func lockFolder(folder string, how int) (unlock func() error, err error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	err = lock(f, how)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(ErrLocked, f.Close())
	case err != nil && !slices.Contains(lockless, err):
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

// lockless are errors of file systems without locks. NFS wants a file that is open for
// writing, which a folder never is.
var lockless = []error{syscall.ENOTSUP, syscall.EINVAL, syscall.ENOLCK, syscall.EBADF}

// Sweep removes the temporary files and folders of dead processes from a folder.
// A missing folder is not an error.
func Sweep(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		m := partialPattern.FindStringSubmatch(e.Name())
		if m == nil || !e.IsDir() && !e.Type().IsRegular() {
			continue
		}
		if serr := sweep(filepath.Join(folder, e.Name()), m[1] != host()); serr != nil {
			err = errors.Join(err, serr)
		}
	}
	return err
}

// sweep removes one temporary file unless its process is alive.
func sweep(path string, foreign bool) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if foreign && time.Since(info.ModTime()) < foreignAge || lock(f, syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return nil
	}
	return os.RemoveAll(path)
}
