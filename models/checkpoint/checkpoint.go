package checkpoint

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/morton-gen/morton/models/nn"
)

// Checkpoint is an open checkpoint. It implements [nn.Weights]. Its methods may be
// called from several goroutines, Close excepted.
type Checkpoint struct {
	names    []string // sorted
	tensors  map[string]tensor
	config   json.RawMessage
	format   string
	metadata map[string]string
	part     string
	parts    []string
	stripped string
	close    func() error
}

var _ nn.Weights = (*Checkpoint)(nil)

// tensor is one tensor of a file, not yet read.
type tensor struct {
	dtype     string
	shape     []int
	sizeBytes int64
	floats    func() ([]float32, error)
}

// Open opens the checkpoint at path, a file or a folder (see the package's
// description), and reads no tensor. Of a torch file it takes the part "model_ema" or "model", else
// "module", "state_dict" or "ema", else the file's own dictionary, else its only
// part. Prefixes that wrappers put before all names ("module.", "_orig_mod.") are
// removed.
//
// The error wraps [ErrFormat], [ErrUnsafe], [ErrAmbiguous], [ErrLimit] or the file
// system's own. Files must not change while they are open.
func Open(path string) (*Checkpoint, error) { return open(path, nil) }

// OpenPart is [Open] of the named part: one of [Checkpoint.Parts]. The error may wrap
// [ErrPart] too.
func OpenPart(path, part string) (*Checkpoint, error) { return open(path, &part) }

func open(path string, part *string) (*Checkpoint, error) {
	f, err := openPath(path, part)
	if err != nil {
		return nil, fmt.Errorf("checkpoint.Open: %w", err)
	}
	c := &Checkpoint{
		config: f.config, format: f.format, metadata: f.metadata,
		part: f.part, parts: f.parts, close: f.close,
	}
	c.stripped, c.tensors = strip(f.tensors)
	c.names = slices.Sorted(maps.Keys(c.tensors))
	return c, nil
}

// Names returns the names of all tensors, sorted.
func (c *Checkpoint) Names() []string { return slices.Clone(c.names) }

// Shape returns a tensor's extents, and false if there is no such tensor.
func (c *Checkpoint) Shape(name string) ([]int, bool) {
	t, ok := c.tensors[name]
	return slices.Clone(t.shape), ok
}

// Floats returns a tensor's elements in row-major order, read from the file and
// widened to f32 from F16, BF16, F32 or F64 (the last rounded to nearest). The caller
// owns the slice. The error wraps [nn.ErrWeights] if there is no such tensor or its
// elements are of another type, and else what went wrong with the file.
func (c *Checkpoint) Floats(name string) ([]float32, error) {
	t, ok := c.tensors[name]
	if !ok {
		return nil, fmt.Errorf("checkpoint: %w: no tensor %q", nn.ErrWeights, name)
	}
	floats, err := t.floats()
	if err != nil {
		return nil, fmt.Errorf("checkpoint: tensor %q: %w", name, err)
	}
	return floats, nil
}

// DType returns the type of a tensor's elements by the name that safetensors gives
// it ("F32", "BF16", "I64", "F8_E4M3"), or "" if there is no such tensor.
func (c *Checkpoint) DType(name string) string { return c.tensors[name].dtype }

// Bytes returns the size of all tensors in the types that the files have. A tensor
// under two names counts twice.
func (c *Checkpoint) Bytes() int64 {
	var n int64
	for _, t := range c.tensors {
		n += t.sizeBytes
	}
	return n
}

// Config returns the folder's config.json, a JSON object, or nil if there is none or
// the checkpoint was opened by the path of a file. It must not be changed.
func (c *Checkpoint) Config() json.RawMessage { return c.config }

// Format says for people how the checkpoint lies on disk: "safetensors", "torch",
// "Hugging Face, 3 shards" or "Hugging Face, 3 torch shards".
func (c *Checkpoint) Format() string { return c.format }

// Metadata returns what short texts and numbers the files hold beside the tensors: a
// safetensors header's metadata, an index's, or the entries of a torch file's own
// dictionary, such as "steps". The caller owns the map.
func (c *Checkpoint) Metadata() map[string]string {
	return maps.Collect(maps.All(c.metadata))
}

// Part returns the name of the part that was taken, "" if it is the file's own
// dictionary or the file has no parts.
func (c *Checkpoint) Part() string { return c.part }

// Parts returns the names of all parts that hold tensors, sorted, also the one that
// was taken. It is empty for safetensors, and of shards those of the first.
func (c *Checkpoint) Parts() []string { return slices.Clone(c.parts) }

// Stripped returns what was removed from the front of all names, such as "module.".
func (c *Checkpoint) Stripped() string { return c.stripped }

// Close closes the files. No tensor can be read from then on.
func (c *Checkpoint) Close() error { return c.close() }

// Sub returns the tensors whose names begin with prefix, under the rest of their
// names: Sub("encoder.") has "encoder.conv.weight" as "conv.weight". The view is
// valid until Close, and empty if no name begins so.
func (c *Checkpoint) Sub(prefix string) nn.Weights { return sub{c, prefix} }

type sub struct {
	c      *Checkpoint
	prefix string
}

func (s sub) Names() []string {
	from, _ := slices.BinarySearch(s.c.names, s.prefix)
	var names []string
	for _, name := range s.c.names[from:] {
		rest, ok := strings.CutPrefix(name, s.prefix)
		if !ok {
			break
		}
		names = append(names, rest)
	}
	return names
}

func (s sub) Shape(name string) ([]int, bool)       { return s.c.Shape(s.prefix + name) }
func (s sub) Floats(name string) ([]float32, error) { return s.c.Floats(s.prefix + name) }

// wrappers are what torch puts before all names of a network: DataParallel,
// torch.compile and DeepSpeed.
var wrappers = []string{"module.", "_orig_mod.", "_forward_module."}

// maxWrappers bounds how many wrappers are taken off one after another.
const maxWrappers = 8

// strip removes the wrappers that stand before all names, and returns them joined.
func strip(tensors map[string]tensor) (string, map[string]tensor) {
	stripped := ""
	for range maxWrappers {
		i := slices.IndexFunc(wrappers, func(w string) bool { return allBeginWith(tensors, stripped+w) })
		if i < 0 {
			break
		}
		stripped += wrappers[i]
	}
	out := make(map[string]tensor, len(tensors))
	for name, t := range tensors {
		out[name[len(stripped):]] = t
	}
	return stripped, out
}

func allBeginWith(tensors map[string]tensor, prefix string) bool {
	for name := range tensors {
		if len(name) <= len(prefix) || !strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return len(tensors) > 0
}
