package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// MaxIndexBytes bounds the index of a sharded checkpoint.
	MaxIndexBytes = 32 << 20
	// MaxShards bounds the files that an index names.
	MaxShards = 1 << 10
)

// index says in which file of its folder each tensor lies:
//
//	{"metadata": {"total_size": 123}, "weight_map": {"NAME": "FILE", ...}}
//
// Source: Hugging Face's transformers, "Big models", sharded checkpoints.
type index struct {
	Metadata  map[string]json.RawMessage `json:"metadata"`
	WeightMap map[string]string          `json:"weight_map"`
}

// parseIndex returns a checked index. The error wraps [ErrFormat], [ErrLimit], or
// [ErrUnsafe] if it names a file outside its folder.
func parseIndex(b []byte) (*index, error) {
	var x index
	if err := json.Unmarshal(b, &x); err != nil {
		return nil, fmt.Errorf("%w: index: %v", ErrFormat, err)
	}
	if len(x.WeightMap) == 0 {
		return nil, fmt.Errorf("%w: an index without a weight_map", ErrFormat)
	}
	for name, file := range x.WeightMap {
		if len(name) > maxNameBytes {
			return nil, fmt.Errorf("%w: index: a name of %d bytes", ErrLimit, len(name))
		}
		if err := checkShardName(file); err != nil {
			return nil, err
		}
	}
	if n := len(x.shards()); n > MaxShards {
		return nil, fmt.Errorf("%w: an index of %d shards, limit %d", ErrLimit, n, MaxShards)
	}
	return &x, nil
}

// checkShardName reports a file that is not below the index's folder, on any system.
func checkShardName(file string) error {
	local := filepath.IsLocal(filepath.FromSlash(file)) && !strings.ContainsAny(file, `\:`) && !slices.Contains(strings.Split(file, "/"), "..")
	switch {
	case file == "", strings.ContainsRune(file, 0), local && filepath.Clean(file) == ".":
		return fmt.Errorf("%w: index: a shard %.80q", ErrFormat, file)
	case !local:
		return fmt.Errorf("%w: index: shard %.80q leaves the folder", ErrUnsafe, file)
	}
	return nil
}

// shards returns the files that the index names, sorted.
func (x *index) shards() []string {
	return slices.Compact(slices.Sorted(maps.Values(x.WeightMap)))
}

// notes returns the index's metadata as texts: those of its values that are texts,
// numbers, true or false.
func (x *index) notes() map[string]string {
	out := map[string]string{}
	for key, raw := range x.Metadata {
		var v any
		if len(raw) > maxNoteBytes || json.Unmarshal(raw, &v) != nil {
			continue
		}
		switch v := v.(type) {
		case string:
			out[key] = v
		case float64, bool:
			out[key] = string(raw)
		}
	}
	return out
}

// openShards opens the index at path, and the files that it names.
func openShards(path string, part *string) (*contents, error) {
	b, err := readSmall(path, MaxIndexBytes)
	if err != nil {
		return nil, err
	}
	x, err := parseIndex(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c := &contents{tensors: map[string]tensor{}, metadata: x.notes()}
	files, err := openEach(filepath.Dir(path), x.shards(), part)
	c.close = func() error { return closeAll(files) }
	if err == nil {
		err = c.join(path, x, files)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// openEach opens the named shards. Those that were opened before an error come with
// it.
func openEach(dir string, shards []string, part *string) (map[string]*contents, error) {
	files := map[string]*contents{}
	for _, name := range shards {
		f, err := openFile(filepath.Join(dir, name), part)
		if err != nil {
			return files, err
		}
		files[name] = f
	}
	return files, nil
}

// join takes from each shard the tensors that the index at path says are there. What else a
// shard holds is left out.
func (c *contents) join(path string, x *index, files map[string]*contents) error {
	for name, file := range x.WeightMap {
		t, ok := files[file].tensors[name]
		if !ok {
			return fmt.Errorf("%s: %w: shard %q has no tensor %.80q", path, ErrFormat, file, name)
		}
		c.tensors[name] = t
	}
	shards := x.shards()
	for _, name := range shards {
		for key, text := range files[name].metadata {
			if _, known := c.metadata[key]; !known {
				c.metadata[key] = text
			}
		}
	}
	first := files[shards[0]]
	c.part, c.parts = first.part, first.parts
	c.format = shardFormat(len(shards), first.format)
	return nil
}

func shardFormat(n int, format string) string {
	kind, plural := "", "s"
	if format != "safetensors" {
		kind = format + " "
	}
	if n == 1 {
		plural = ""
	}
	return fmt.Sprintf("Hugging Face, %d %sshard%s", n, kind, plural)
}

func closeAll(files map[string]*contents) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}
