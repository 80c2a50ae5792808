package gltf

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/morton-gen/morton/mesh/limit"
)

// Resolver returns the bytes of the buffer at a relative path, percent-decoded.
// It should return at most max bytes; the rest is ignored.
type Resolver func(path string, max int64) ([]byte, error)

var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

// load returns the first n bytes of the buffer at uri: a data URI, or a path
// given to open.
func load(uri string, n int64, open Resolver) ([]byte, error) {
	data, err := fetch(uri, n, open)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) < n {
		return nil, fmt.Errorf("%w: buffer of %d bytes holds %d", ErrCorrupt, n, len(data))
	}
	return data[:n], nil
}

func fetch(uri string, n int64, open Resolver) ([]byte, error) {
	if strings.HasPrefix(uri, "data:") {
		return decodeDataURI(uri)
	}
	path, literal, err := localPaths(uri)
	if err != nil {
		return nil, err
	}
	if open == nil {
		return nil, fmt.Errorf("%w: no resolver for %q", ErrResource, path)
	}
	data, err := open(path, n)
	if literal != path && errors.Is(err, fs.ErrNotExist) {
		// Some writers do not percent-encode file names.
		if data, err := open(literal, n); err == nil {
			return data, nil
		}
	}
	return data, err
}

// decodeDataURI decodes data:[type][;base64],payload. It allocates at most the
// length of uri.
func decodeDataURI(uri string) ([]byte, error) {
	head, payload, ok := strings.Cut(uri, ",")
	if !ok {
		return nil, fmt.Errorf("%w: data URI without a comma", ErrCorrupt)
	}
	if strings.HasSuffix(head, ";base64") {
		data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(payload, "="))
		if err != nil {
			return nil, fmt.Errorf("%w: data URI: %v", ErrCorrupt, err)
		}
		return data, nil
	}
	text, err := url.PathUnescape(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: data URI: %v", ErrCorrupt, err)
	}
	return []byte(text), nil
}

// localPaths returns the path that a relative URI names, without query and
// fragment, and the URI itself read as a path.
func localPaths(uri string) (path, literal string, err error) {
	if scheme.MatchString(uri) {
		return "", "", fmt.Errorf("%w: %.80q", ErrResource, uri)
	}
	literal = strings.ReplaceAll(uri, `\`, "/")
	path = literal
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	if path, err = url.PathUnescape(path); err != nil {
		return "", "", fmt.Errorf("%w: buffer path: %v", ErrCorrupt, err)
	}
	for _, p := range []string{path, literal} {
		if !filepath.IsLocal(filepath.FromSlash(p)) {
			return "", "", fmt.Errorf("%w: %.80q", ErrResource, p)
		}
	}
	return path, literal, nil
}

// folder returns a Resolver for the files below dir. Links that lead out are
// errors.
func folder(dir string) Resolver {
	return func(path string, max int64) ([]byte, error) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		info, err := root.Stat(filepath.FromSlash(path))
		if err != nil {
			return nil, resourceError(err, path)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%w: %q is not a regular file", ErrResource, path)
		}
		f, err := root.Open(filepath.FromSlash(path))
		if err != nil {
			return nil, resourceError(err, path)
		}
		defer f.Close()
		return readUpTo(f, min(max, info.Size()))
	}
}

// resourceError describes an error of the file system to users and marks the one
// for which os.Root has no sentinel.
func resourceError(err error, path string) error {
	switch {
	case strings.Contains(err.Error(), "path escapes from parent"):
		return fmt.Errorf("%w: %w", ErrResource, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the file %q beside it is missing: %w", path, fs.ErrNotExist)
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		return &fs.PathError{Op: "read", Path: path, Err: at.Err}
	}
	return err
}

// readFile reads a whole regular file of at most max bytes.
func readFile(path string, max int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrInvalid}
	}
	if info.Size() > max {
		return nil, fmt.Errorf("%d bytes: %w", info.Size(), limit.Over(limit.Bytes, max))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readUpTo(f, info.Size())
}

func readUpTo(r io.Reader, n int64) ([]byte, error) {
	data := make([]byte, n)
	got, err := io.ReadFull(r, data)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil // The file shrank; the user of the bytes reports that.
	}
	return data[:got], err
}
