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
	"strings"
	"sync"
	"syscall"
	"time"
)

// foreignAge is the age at which a partial of another host counts as left behind.
// Locks may not reach from host to host, so theirs say nothing here.
const foreignAge = 24 * time.Hour

// partialPattern matches the names of files and folders on their way.
var partialPattern = regexp.MustCompile(`^\.partial-([0-9a-f]{8})[0-9a-f]{8}(-.*)?$`)

// onTheWay matches those names in a text, with what parts them from the rest of a path.
var onTheWay = regexp.MustCompile(`\.partial-[0-9a-f]{16}(?:[-/]|\b)`)

// Visible returns a text, such as an error's, in which files on their way have the names
// of their places, and folders on their way those of their parents.
func Visible(text string) string { return onTheWay.ReplaceAllString(text, "") }

// host returns eight digits that differ between hosts.
var host = sync.OnceValue(func() string {
	name, _ := os.Hostname() // without a name all such hosts share one
	h := fnv.New32a()
	h.Write([]byte(name))
	return fmt.Sprintf("%08x", h.Sum32())
})

func partialName() string { return fmt.Sprintf(".partial-%s%08x", host(), rand.Uint32()) }

// Folder is a hidden folder for files on their way. Its lock tells [Sweep] that
// its process lives.
type Folder struct {
	lock *os.File
	path string
}

// CreateFolder makes one in parent, which must exist.
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

// Remove removes the folder with all that is in it.
func (f *Folder) Remove() error { return errors.Join(os.RemoveAll(f.path), f.lock.Close()) }

// aside reports whether path is in a folder of files on their way: a power cut may
// take that whole folder, so renames in it need not survive one.
func aside(path string) bool {
	return strings.Contains(filepath.ToSlash(filepath.Dir(path))+"/", "/.partial-")
}

// hold locks f for as long as it is open, and reports whether f is still there: a
// sweep may have come first. A file system without locks holds nothing.
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

// Lock waits until no other holds the folder by Lock, in this process or another,
// and returns what ends it. On a file system without locks it does not wait.
func Lock(folder string) (unlock func() error, err error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	if err := lock(f, syscall.LOCK_EX); err != nil && !errors.Is(err, syscall.ENOTSUP) && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOLCK) {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

// Sweep removes what processes that are gone have left in a folder on its way to
// its place. A folder that isn't there has nothing.
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

// sweep removes one partial unless its process lives.
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
