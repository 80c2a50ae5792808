package shard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Ext is the extension of shards.
const Ext = ".parquet"

// ReadAll returns all samples of the shard at path. Errors as [Open].
func ReadAll(path string, limits Limits) ([]Sample, error) {
	r, err := Open(path, limits)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.rest()
}

// DecodeAll is ReadAll of the bytes of a shard.
func DecodeAll(data []byte, limits Limits) ([]Sample, error) {
	r, err := newReader(bytes.NewReader(data), int64(len(data)), limits)
	if err != nil {
		return nil, fmt.Errorf("shard.DecodeAll: %w", err)
	}
	return r.rest()
}

// rest returns the samples that Next has not returned yet.
func (r *Reader) rest() ([]Sample, error) {
	var all []Sample
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
}

// Glob returns the sorted paths that pattern names: the *.parquet files of a
// folder, or the matches of a pattern as in [filepath.Match]. Folders and temporary
// files of unfinished shards are left out. If nothing matches, the error wraps
// [fs.ErrNotExist].
func Glob(pattern string) ([]string, error) {
	paths, err := match(pattern)
	if err != nil {
		return nil, fmt.Errorf("shard.Glob: %w: %q", err, pattern)
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { return filepath.Base(p)[0] == '.' })
	if len(paths) == 0 {
		return nil, fmt.Errorf("shard.Glob: %w: nothing matches %q", fs.ErrNotExist, pattern)
	}
	slices.Sort(paths)
	return paths, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// match lists a folder directly, since its name may contain pattern characters.
func match(pattern string) ([]string, error) {
	if !isFolder(pattern) {
		paths, err := filepath.Glob(pattern)
		return slices.DeleteFunc(paths, isFolder), err
	}
	list, err := os.ReadDir(pattern)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range list {
		if !e.IsDir() && filepath.Ext(e.Name()) == Ext {
			paths = append(paths, filepath.Join(pattern, e.Name()))
		}
	}
	return paths, nil
}
