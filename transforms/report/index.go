package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/request"
)

// An index has copies of a family's markers, dealt to some files by their ids, so that a
// later run reads these and not a file a result. The markers are what counts: a copy is
// used only if the marker's file is still the one that was copied, by its size and time,
// or by its tag in a store.

// indexed is a line of an index.
type indexed struct {
	stamp
	Marker Marker `json:"marker"`
}

// stamp changes whenever a marker's file does.
type stamp struct {
	Size int64  `json:"size"`
	Time int64  `json:"time,omitempty"` // Unix time in nanoseconds; 0 in a store
	Tag  string `json:"tag,omitempty"`
}

func stampOf(info fs.FileInfo) stamp {
	if t := store.Tag(info); t != "" {
		return stamp{Size: info.Size(), Tag: t}
	}
	return stamp{Size: info.Size(), Time: info.ModTime().UnixNano()}
}

// Bounds of an index.
const (
	minIndexed    = 64   // markers: reading fewer takes no time
	perIndex      = 4096 // markers a file, about
	maxIndexes    = 1024
	maxIndexBytes = 1 << 30
)

// settled is how long ago a marker on a disk must have been written to be copied. Times of
// a disk may have steps of seconds, and a later marker in the same step might look the same.
const settled = 3 * time.Second

var indexName = regexp.MustCompile(`^index-[0-9]{4}-of-[0-9]{4}\.jsonl$`)

func indexFile(f request.Family, i, n int) string {
	return filepath.Join(string(f), "done", fmt.Sprintf("index-%04d-of-%04d.jsonl", i, n))
}

// isIndex reports whether a path in a run's folder is that of an index.
func isIndex(path string) bool {
	return filepath.Base(filepath.Dir(path)) == "done" && indexName.MatchString(filepath.Base(path))
}

// shelf is what is known of a family's markers.
type shelf struct {
	family  request.Family
	markers []indexed       // by id
	stale   map[string]bool // names of index files with a line that counts no more
	files   map[string]int  // names of index files -> lines that count
}

// Markers reads all markers of a family in a run's folder, by the order of their
// names. Files that are no markers are left out.
func Markers(dir string, f request.Family) ([]Marker, error) {
	s, err := readShelf(NewStanding(dir), f)
	all := make([]Marker, len(s.markers))
	for i := range s.markers {
		all[i] = s.markers[i].Marker
	}
	return all, err
}

// readShelf reads markers from the index, as far as it has them, and else each from its file.
func readShelf(standing *Standing, f request.Family) (shelf, error) {
	s := shelf{family: f, stale: map[string]bool{}, files: map[string]int{}}
	dir := standing.dir
	entries, err := standing.list(filepath.Join(string(f), "done"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	known := s.readIndexes(dir, entries)
	var ids []string
	for name := range entries {
		if id, ok := cutExt(name, ".json"); ok && request.IsName(id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	found := make([]*indexed, len(ids))
	if err := store.Each(dir, len(ids), func(i int) (err error) {
		p := Place{f, ids[i]}
		found[i], err = readListed(dir, p, entries[filepath.Base(p.Marker())], known[ids[i]])
		return err
	}); err != nil {
		return s, err
	}
	for _, m := range found {
		if m != nil {
			s.markers = append(s.markers, *m)
		}
	}
	s.judge(known)
	return s, nil
}

// readListed returns the marker at a listed place, or nil if none is there.
func readListed(dir string, p Place, entry fs.DirEntry, known *indexed) (*indexed, error) {
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now := stampOf(info)
	if known != nil && known.stamp == now {
		return known, nil
	}
	m, err := ReadMarker(dir, p)
	switch {
	case err == nil:
		return &indexed{now, m}, nil
	case store.Stored(dir) && !errors.Is(err, ErrMarker) && !errors.Is(err, fs.ErrNotExist):
		return nil, err // a store that is down has markers all the same
	}
	return nil, nil
}

// readIndexes returns the copies by id. A file that is no index has none.
func (s *shelf) readIndexes(dir string, entries map[string]fs.DirEntry) map[string]*indexed {
	var names []string
	for name := range entries {
		if indexName.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	lists := make([][]indexed, len(names))
	store.Each(dir, len(names), func(i int) error {
		f, err := store.Open(store.Join(dir, string(s.family), "done", names[i]))
		if err != nil {
			return nil
		}
		defer f.Close()
		lists[i], _ = decodeIndex(f, s.family)
		return nil
	})
	all := map[string]*indexed{}
	for i, list := range lists {
		s.files[names[i]] = len(list)
		for j := range list {
			all[list[j].Marker.Result.ID] = &list[j]
		}
	}
	return all
}

// judge finds the index files that are not as they would be written now.
func (s *shelf) judge(known map[string]*indexed) {
	n := s.shards()
	counts := map[string]int{}
	for i := range s.markers {
		m := &s.markers[i]
		name := filepath.Base(indexFile(s.family, shardOf(m.Marker.Result.ID, n), n))
		counts[name]++
		if k := known[m.Marker.Result.ID]; k == nil || k.stamp != m.stamp {
			s.stale[name] = true
		}
	}
	for name, lines := range s.files {
		if counts[name] != lines {
			s.stale[name] = true
		}
	}
}

// shards is how many files the index has.
func (s *shelf) shards() int {
	n := 1
	for n < maxIndexes && n*perIndex < len(s.markers) {
		n *= 2
	}
	return n
}

func shardOf(id string, n int) int {
	h := fnv.New32a()
	io.WriteString(h, id)
	return int(h.Sum32() % uint32(n))
}

// decodeIndex reads the lines of an index. The error wraps [ErrMarker]; what was read before
// it is returned.
func decodeIndex(r io.Reader, f request.Family) (all []indexed, err error) {
	lines := bufio.NewScanner(io.LimitReader(r, maxIndexBytes))
	lines.Buffer(nil, maxMarkerBytes)
	for lines.Scan() {
		var line indexed
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return all, fmt.Errorf("%w: %w", ErrMarker, err)
		}
		if err := line.Marker.validate(); err != nil {
			return all, err
		}
		if r := &line.Marker.Result; r.Family != f || !request.IsName(r.ID) {
			return all, fmt.Errorf("%w: of %s/%s", ErrMarker, r.Family, r.ID)
		}
		all = append(all, line)
	}
	if err := lines.Err(); err != nil {
		return all, fmt.Errorf("%w: %w", ErrMarker, err)
	}
	return all, nil
}

// write writes the index files that are not as they should be into a batch, and adds to kept
// the names of all there should be. Markers that were written after moment are left out. A
// file that is not ours stays, and its markers have no copy.
func (s *shelf) write(b *claim.Batch, folder *Folder, moment time.Time, kept map[string]bool) error {
	if len(s.markers) < minIndexed {
		return nil
	}
	n := s.shards()
	lines := make([]bytes.Buffer, n)
	for i := range s.markers {
		m := &s.markers[i]
		if m.Time != 0 && m.Time > moment.Add(-settled).UnixNano() {
			continue
		}
		w := json.NewEncoder(&lines[shardOf(m.Marker.Result.ID, n)])
		w.SetEscapeHTML(false)
		if err := w.Encode(m); err != nil {
			return err
		}
	}
	for i := range lines {
		path := indexFile(s.family, i, n)
		kept[path] = true
		name := filepath.Base(path)
		if _, there := s.files[name]; there && !s.stale[name] || folder.files.Of(path).Vacant(folder.dir, folder.policy, path) != nil {
			continue
		}
		temp, err := b.Path(path)
		if err != nil {
			return err
		}
		if err := atomicfile.Replace(temp, func(w io.Writer) error {
			_, err := lines[i].WriteTo(w)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
