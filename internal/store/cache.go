package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/morton-gen/morton/internal/atomicfile"
)

// DigestFile lists the SHA-256 of a folder's files in the format of sha256sum: 64
// digits, two spaces and a name on each line. If a folder in a store has one, its files
// are checked against it.
const DigestFile = "SHA256SUMS"

// Bounds on a copied folder. The largest published models have some hundred files.
const (
	maxFiles       = 10_000
	maxDigestBytes = 1 << 22
)

// FetchFolder returns a copy, in the folder cache, of all objects below a place, or of the
// object at it. All processes share the copy until the tag of an object changes. Files are
// compared with their digests before use, and a damaged copy is fetched again. A path is
// returned as it is.
//
// The error wraps [ErrDamaged], [ErrTooLarge] or [ErrUnavailable], or is the file
// system's.
func FetchFolder(ctx context.Context, place, cache string) (string, error) {
	if !Stored(place) {
		return place, nil
	}
	objects, err := objectsOf(place)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	if err := atomicfile.Sweep(cache); err != nil {
		return "", err
	}
	home := filepath.Join(cache, cacheName(place, objects))
	result := filepath.Join(home, path.Base(place)) // unnamed models are named by their folder
	if whole(home, objects) {
		return result, nil
	}
	if err := os.RemoveAll(home); err != nil {
		return "", err
	}
	dir, err := atomicfile.CreateFolder(cache)
	if err != nil {
		return "", err
	}
	defer dir.Remove()
	fresh := dir.Path("files")
	if err := fetchAll(ctx, Dir(place), fresh, objects); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, home); err != nil && !whole(home, objects) { // another process was first
		return "", err
	}
	return result, nil
}

// objectsOf returns the objects below a place, or at it, by name relative to the folder
// above.
func objectsOf(place string) (objects map[string]fs.FileInfo, err error) {
	objects = map[string]fs.FileInfo{}
	base := path.Base(place)
	err = Walk(place, "", func(name string, info fs.FileInfo) error {
		if len(objects) == maxFiles {
			return fmt.Errorf("%w: %s has over %d files", ErrTooLarge, place, maxFiles)
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("%w: %s has an object %q", ErrPlace, place, name)
		}
		objects[path.Join(base, name)] = info
		return nil
	})
	if err != nil || len(objects) > 0 {
		return objects, err
	}
	info, err := Lstat(place)
	if err != nil {
		return nil, err
	}
	objects[base] = info
	return objects, nil
}

// cacheName changes whenever an object does.
func cacheName(place string, objects map[string]fs.FileInfo) string {
	h := sha256.New()
	fmt.Fprintln(h, place)
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		fmt.Fprintf(h, "%q %d %s\n", name, objects[name].Size(), Tag(objects[name]))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// ourDigests is the list of a copy's digests, beside the files.
const ourDigests = ".sha256"

// fetchAll copies objects into a new folder, checks them, and records their
// digests.
func fetchAll(ctx context.Context, place, home string, objects map[string]fs.FileInfo) error {
	digests := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		to := filepath.Join(home, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		size := objects[name].Size()
		n, err := download(ctx, Join(place, name), to, size)
		if err != nil {
			return err
		}
		if n != size {
			return fmt.Errorf("%w: %s has %d bytes of %d", ErrDamaged, Join(place, name), n, size)
		}
		if digests[name], err = Digest(to); err != nil {
			return err
		}
	}
	for name := range objects {
		if path.Base(name) == DigestFile {
			if err := compare(place, home, name, digests); err != nil {
				return err
			}
		}
	}
	return atomicfile.Replace(filepath.Join(home, ourDigests), func(w io.Writer) error {
		for _, name := range slices.Sorted(maps.Keys(digests)) {
			if _, err := fmt.Fprintf(w, "%s  %s\n", digests[name], name); err != nil {
				return err
			}
		}
		return nil
	})
}

// compare checks the digests of files against the list that came with them.
func compare(place, home, list string, digests map[string]string) error {
	wanted, err := readDigests(filepath.Join(home, filepath.FromSlash(list)))
	if err != nil {
		return fmt.Errorf("%s: %w", Join(place, list), err)
	}
	for _, rest := range slices.Sorted(maps.Keys(wanted)) {
		name := path.Join(path.Dir(list), rest)
		got, there := digests[name]
		switch {
		case !there:
			return &fs.PathError{Op: "open", Path: Join(place, name), Err: fs.ErrNotExist}
		case got != wanted[rest]:
			return fmt.Errorf("%w: %s has SHA-256 %s, and %s says %s", ErrDamaged, Join(place, name), got, DigestFile, wanted[rest])
		}
	}
	return nil
}

// whole reports whether a copy has all objects with the bytes that were fetched.
func whole(home string, objects map[string]fs.FileInfo) bool {
	noted, err := readDigests(filepath.Join(home, ourDigests))
	if err != nil || len(noted) != len(objects) {
		return false
	}
	for name := range objects {
		if got, err := Digest(filepath.Join(home, filepath.FromSlash(name))); err != nil || got != noted[name] {
			return false
		}
	}
	return true
}

// Digest returns the SHA-256 of a local file in hexadecimal.
func Digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func readDigests(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDigestBytes+1))
	if err != nil {
		return nil, err
	}
	return parseDigests(data)
}

// parseDigests reads the lines of sha256sum, whose names may have a '*' before them. The
// error wraps [ErrDamaged].
func parseDigests(data []byte) (map[string]string, error) {
	if len(data) > maxDigestBytes {
		return nil, fmt.Errorf("%w: over %d bytes", ErrDamaged, maxDigestBytes)
	}
	all := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		if line == "" {
			continue
		}
		sum, name, ok := strings.Cut(line, " ")
		if raw, err := hex.DecodeString(sum); !ok || len(name) < 2 || err != nil || len(raw) != sha256.Size {
			return nil, fmt.Errorf("%w: %q is not a line of sha256sum", ErrDamaged, line)
		}
		all[path.Clean(name[1:])] = strings.ToLower(sum)
	}
	return all, lines.Err()
}
