package models

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/checkpoint"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	_ "github.com/morton-gen/morton/models/tokenizer/dar"
	_ "github.com/morton-gen/morton/models/tokenizer/kl"   // these
	_ "github.com/morton-gen/morton/models/tokenizer/larp" // and
	_ "github.com/morton-gen/morton/models/tokenizer/msvq" // register
	_ "github.com/morton-gen/morton/models/tokenizer/octgpt"
	_ "github.com/morton-gen/morton/models/tokenizer/star"
	_ "github.com/morton-gen/morton/models/tokenizer/vae3d"
	_ "github.com/morton-gen/morton/models/tokenizer/vq" // codecs
)

// Published is a checkpoint of a published system, with the tokenizer beside it. Nothing
// of it is on a device yet.
type Published struct {
	system.Published
	Checkpoint    *checkpoint.Checkpoint
	Path          string                 // of the checkpoint
	Config        json.RawMessage        // of the generator; nil without a config.json
	Tokenizer     *checkpoint.Checkpoint // nil if none is beside it
	TokenizerPath string
	Codec         system.Codec
	Description   system.Description     // of the tokenizer; nil if it cannot be described
	described     bool                   // by a file beside it; else it is taken for a published one
	None          *checkpoint.Checkpoint // features of no condition; nil if there are none beside it
	System        *system.System
}

// OpenPublished opens the checkpoint at path, a file or a folder, and finds out which
// system it is. In a folder of several files it tells the generator from the tokenizer by
// the names of their tensors; beside a file it looks for a tokenizer too, and in the folder
// tokenizer. Errors wrap [ErrFolder], [system.ErrUnknown], nn.ErrConfig, nn.ErrWeights, or
// are those of package checkpoint.
func OpenPublished(path string) (*Published, error) {
	p := &Published{}
	err := p.find(path)
	if err == nil {
		err = p.build(path)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// find opens the files.
func (p *Published) find(path string) error {
	files, tokenizers, err := candidates(path)
	if err != nil {
		return err
	}
	if err := p.openGenerator(path, files); err != nil {
		return err
	}
	if p.Config = p.Checkpoint.Config(); p.Config == nil {
		if p.Config, err = readBeside(path, "config.json"); err != nil {
			return err
		}
	}
	p.openTokenizer(tokenizers)
	return p.openNone(path)
}

// openNone opens the features of no condition, if they are there.
func (p *Published) openNone(path string) (err error) {
	if !isFolder(path) {
		path = filepath.Dir(path)
	}
	p.None, err = checkpoint.Open(filepath.Join(path, noneFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// build makes the system, of which no tensor may be missing.
func (p *Published) build(path string) error {
	tokenizer := p.describe(path)
	var err error
	if p.System, err = p.Published.Open(p.Config, p.Weights()); err != nil {
		p.System = nil
		return err
	}
	p.Published = p.Published.Described(p.System.Name)
	missing := p.System.Params.Missing(p.Weights())
	if p.Tokenizer == nil { // Usable tells
		missing = slices.DeleteFunc(missing, func(name string) bool { return strings.HasPrefix(name, tokenizerPrefix) })
	}
	if len(missing) > 0 {
		return fmt.Errorf("models: %w: %s lacks %d tensors of %s, such as %s", nn.ErrWeights, path, len(missing), p.Title, missing[0])
	}
	return tokenizer
}

// tokenizerPrefix begins the names of those of the tokenizer's tensors that a generator
// computes with.
const tokenizerPrefix = "vae."

// The features of no condition, which guidance of some systems wants, lie in a file of their
// own. Their prefix begins the names of its tensors among the weights.
const (
	noneFile   = "none.safetensors"
	nonePrefix = "none."
)

// Weights are the tensors of the generator, and those of files beside it behind a prefix.
func (p *Published) Weights() nn.Weights {
	w := nn.Weights(p.Checkpoint)
	if p.Tokenizer != nil {
		w = joined{w, p.Tokenizer, tokenizerPrefix}
	}
	if p.None != nil {
		w = joined{w, p.None, nonePrefix}
	}
	return w
}

// joined are the tensors of a generator, and of a file beside it.
type joined struct {
	generator, beside nn.Weights
	prefix            string
}

// of returns the checkpoint of a tensor, and its name there.
func (j joined) of(name string) (nn.Weights, string) {
	inside, ok := strings.CutPrefix(name, j.prefix)
	if _, has := j.generator.Shape(name); has || !ok {
		return j.generator, name
	}
	return j.beside, inside
}

// Names implements nn.Weights.
func (j joined) Names() []string {
	out := j.generator.Names()
	for _, name := range j.beside.Names() {
		out = append(out, j.prefix+name)
	}
	slices.Sort(out)
	return out
}

// Shape implements nn.Weights.
func (j joined) Shape(name string) ([]int, bool) {
	w, name := j.of(name)
	return w.Shape(name)
}

// Floats implements nn.Weights.
func (j joined) Floats(name string) ([]float32, error) {
	w, name := j.of(name)
	return w.Floats(name)
}

// openGenerator opens the checkpoint at path, or of a folder that is none as a whole the
// one of a known system among its files.
func (p *Published) openGenerator(path string, files []string) error {
	c, err := checkpoint.Open(path)
	switch {
	case err == nil:
		return p.detect(c, path)
	case !isFolder(path):
		return err
	case len(files) == 1:
		if c, err = checkpoint.Open(files[0]); err != nil {
			return err
		}
		return p.detect(c, files[0])
	}
	var refused error // the first file that is no checkpoint
	for _, f := range files {
		c, err := checkpoint.Open(f)
		if err != nil {
			refused = cmp.Or(refused, err)
			continue
		}
		before := p.Path
		if err := p.detect(c, f); err == nil && before != "" {
			return fmt.Errorf("models: %w: %s and %s are generators; name the file of one", ErrFolder, before, f)
		}
	}
	switch {
	case p.Checkpoint != nil:
		return nil
	case refused != nil:
		return fmt.Errorf("models: %w: %s: %w", system.ErrUnknown, path, refused)
	}
	return fmt.Errorf("models: %w: %s", system.ErrUnknown, path)
}

// detect makes a checkpoint the generator if its system is known, and closes it if not.
func (p *Published) detect(c *checkpoint.Checkpoint, path string) error {
	found, err := system.Detect(c)
	if err != nil {
		_ = c.Close() // read only
		return fmt.Errorf("%w: %s", err, path)
	}
	if p.Checkpoint != nil {
		_ = p.Checkpoint.Close()
	}
	p.Checkpoint, p.Published, p.Path = c, found, path
	return nil
}

// openTokenizer opens the first tokenizer among some files, if there is one.
func (p *Published) openTokenizer(among []string) {
	for _, f := range among {
		if f == p.Path {
			continue
		}
		c, err := checkpoint.Open(f)
		if err != nil {
			continue // whatever else lies there
		}
		if k, err := system.DetectCodec(c); err == nil && k.Kind == p.Kind {
			p.Tokenizer, p.TokenizerPath, p.Codec = c, f, k
			return
		}
		c.Close()
	}
}

// describe finds the description of the tokenizer: that beside it, or what its tensors
// say.
func (p *Published) describe(path string) (err error) {
	if p.Tokenizer == nil {
		return nil
	}
	p.Description, p.described, err = describe(p.Codec, p.Tokenizer, p.TokenizerPath, path)
	return err
}

// describe finds the description of a tokenizer at a path: its folder's config.json,
// unless that is a generator's, or tokenizer.json, there or in the folder of among. Without
// any, described is false.
func describe(k system.Codec, c *checkpoint.Checkpoint, path, among string) (d system.Description, described bool, err error) {
	data := c.Config()
	if data != nil && !k.Describes(data) {
		data = nil
	}
	for _, x := range []struct{ path, name string }{{path, "config.json"}, {path, tokenizerConfig}, {among, tokenizerConfig}} {
		if data != nil {
			break
		}
		if data, err = readBeside(x.path, x.name); err != nil {
			return nil, false, err
		}
		if x.name != tokenizerConfig && !k.Describes(data) {
			data = nil
		}
	}
	d, err = k.Describe(data, c)
	return d, data != nil, err
}

// Close closes the files.
func (p *Published) Close() {
	for _, c := range []*checkpoint.Checkpoint{p.Checkpoint, p.Tokenizer, p.None} {
		if c != nil {
			_ = c.Close() // read only
		}
	}
}

// candidates lists the files of a folder, which may be the generator, and what may be its
// tokenizer: those files, or the ones beside a file, and the folder tokenizer with its
// files.
func candidates(path string) (files, tokenizers []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w: %w", ErrFolder, err)
	}
	dir := path
	if !info.IsDir() {
		dir = filepath.Dir(path)
	}
	if files, err = list(dir); err != nil {
		return nil, nil, err
	}
	tokenizers = slices.Clone(files)
	if sub := filepath.Join(dir, "tokenizer"); isFolder(sub) {
		inner, err := list(sub)
		if err != nil {
			return nil, nil, err
		}
		tokenizers = append(append(tokenizers, sub), inner...)
	}
	return files, tokenizers, nil
}

// list returns the paths of a folder's weights files.
func list(dir string) ([]string, error) {
	names, err := checkpoint.List(dir)
	for i, n := range names {
		names[i] = filepath.Join(dir, n)
	}
	return names, err
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// readBeside reads a small file of path's folder, or beside it; nil if there is none.
func readBeside(path, name string) (json.RawMessage, error) {
	dir := path
	if !isFolder(path) {
		dir = filepath.Dir(path)
	}
	data, err := readFile(dir, "", name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// identity is a short hash of whatever decides what is drawn: the descriptions, and of
// the generator and its tokenizer the tensors' names and shapes, and the elements of the
// smallest ones, which training changes too. The whole of a checkpoint may be gigabytes.
func (p *Published) identity() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%+v\n", compact(p.Config), p.Description)
	for _, c := range []*checkpoint.Checkpoint{p.Checkpoint, p.Tokenizer, p.None} {
		if c == nil {
			continue
		}
		if err := hashTensors(h, c); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:4]), nil
}

// compact is JSON without the spaces between its values.
func compact(data json.RawMessage) []byte {
	var out bytes.Buffer
	if err := json.Compact(&out, data); err != nil {
		return data
	}
	return out.Bytes()
}

func hashTensors(h io.Writer, c *checkpoint.Checkpoint) error {
	names := c.Names()
	elems := map[string]int{}
	for _, n := range names {
		shape, _ := c.Shape(n)
		elems[n] = tensor.Elems(shape)
		fmt.Fprintf(h, "%s %v\n", n, shape)
	}
	slices.SortStableFunc(names, func(a, b string) int {
		if d := elems[a] - elems[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, n := range names[:min(len(names), 16)] {
		x, err := c.Floats(n)
		if err != nil {
			return err
		}
		_ = binary.Write(h, binary.LittleEndian, x) // a hash takes everything
	}
	return nil
}
