package family

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/transforms/request"
)

// Inputs are a request's files on this machine, since media readers need files.
type Inputs struct {
	Request request.Request // with local files

	copies []*store.Copy
}

// Fetch copies a request's files from stores, each of at most most bytes; 0 means
// [store.MaxCopy]. It also copies buffers that a glTF document references beside it.
// Local files are not copied. The caller must call Remove.
//
// The error wraps [store.ErrTooLarge], [store.ErrUnavailable], or is the file system's.
func Fetch(ctx context.Context, r request.Request, most int64) (*Inputs, error) {
	in := &Inputs{Request: r}
	for _, place := range in.Request.Paths() {
		path, tensor := *place, ""
		if place != &in.Request.Input {
			path, tensor = request.SplitText(*place)
		}
		if !store.Stored(path) {
			continue
		}
		c, err := store.Fetch(ctx, path, most)
		if err != nil {
			return nil, errors.Join(err, in.Remove())
		}
		in.copies = append(in.copies, c)
		if *place = c.Path; tensor != "" {
			*place += "#" + tensor
		}
		if err := addBuffers(ctx, c); err != nil {
			return nil, errors.Join(err, in.Remove())
		}
	}
	return in, nil
}

// Explain returns err with local names replaced by the names of the places.
func (in *Inputs) Explain(err error) error {
	if in == nil {
		return err
	}
	for _, c := range in.copies {
		err = c.Explain(err)
	}
	return err
}

// Remove removes the copies.
func (in *Inputs) Remove() (err error) {
	if in == nil {
		return nil
	}
	for _, c := range in.copies {
		err = errors.Join(err, c.Remove())
	}
	return err
}

// addBuffers copies the files that a glTF document references beside it. Other
// references are left to the document's reader, which rejects them.
func addBuffers(ctx context.Context, c *store.Copy) error {
	if ext := strings.ToLower(filepath.Ext(c.Path)); ext != ".gltf" {
		return nil
	}
	info, err := os.Stat(c.Path)
	if err != nil || info.Size() > (limit.Limits{}).WithDefaults().Bytes {
		return err
	}
	data, err := os.ReadFile(c.Path)
	if err != nil {
		return err
	}
	var document struct {
		Buffers []struct{ URI string }
	}
	if json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &document) != nil {
		return nil // a GLB under another name, or not a document, which its reader reports
	}
	added := map[string]bool{}
	for _, b := range document.Buffers {
		name, err := url.PathUnescape(b.URI)
		if err != nil || added[name] || name == "" || strings.Contains(name, ":") || !filepath.IsLocal(name) {
			continue
		}
		added[name] = true
		if err := c.Add(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// FetchModel returns a model's folder or file on this machine. A model in a store is
// copied to the cache (see [gpu.CacheDir]). Errors are those of [store.FetchFolder].
func FetchModel(ctx context.Context, place string) (string, error) {
	if !store.Stored(place) {
		return place, nil
	}
	cache := gpu.CacheDir()
	if cache == "" {
		cache = filepath.Join(os.TempDir(), "morton")
	}
	return store.FetchFolder(ctx, place, filepath.Join(cache, "models"))
}

// here returns the spec with local models.
func (s Spec) here() (Spec, error) {
	for _, place := range []*string{&s.Dir, &s.Draft} {
		var err error
		if *place, err = FetchModel(context.Background(), *place); err != nil {
			return s, err
		}
	}
	return s, nil
}
