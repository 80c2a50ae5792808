package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	configName = "config.json"
	indexEnd   = ".index.json"

	// MaxConfigBytes bounds a folder's config.json.
	MaxConfigBytes = 1 << 20
	// MaxFolderEntries bounds the files of a folder.
	MaxFolderEntries = 1 << 16
)

// forms are the names of weights in the folders of Hugging Face's transformers and
// diffusers, in the order in which those look for them. Each may be whole, or sharded
// behind an index. A folder may have the same weights in both kinds of file.
var forms = []string{
	"model.safetensors", "pytorch_model.bin",
	"diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin",
}

// weightEndings are those of files that may hold weights.
var weightEndings = []string{".safetensors", ".pt", ".pth", ".ckpt", ".bin"}

// openFolder opens the weights of a folder, and its config.json.
func openFolder(dir string, part *string) (*contents, error) {
	config, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	name, err := findWeights(dir, config != nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	open := openFile
	if strings.HasSuffix(name, indexEnd) {
		open = openShards
	}
	c, err := open(filepath.Join(dir, name), part)
	if err != nil {
		return nil, err
	}
	c.config = config
	return c, nil
}

// findWeights returns the name of the folder's weights file, or of its index.
func findWeights(dir string, configured bool) (string, error) {
	names, err := listFolder(dir, MaxFolderEntries)
	if err != nil {
		return "", err
	}
	for _, form := range forms {
		whole, index := slices.Contains(names, form), slices.Contains(names, form+indexEnd)
		switch {
		case whole && index:
			return "", fmt.Errorf("%w: %s", ErrAmbiguous, list([]string{form, form + indexEnd}))
		case whole:
			return form, nil
		case index:
			return form + indexEnd, nil
		}
	}
	others := slices.DeleteFunc(names, func(name string) bool {
		return !slices.Contains(weightEndings, strings.ToLower(filepath.Ext(name)))
	})
	switch {
	case len(others) > 1:
		return "", fmt.Errorf("%w: weights files %s; name one", ErrAmbiguous, list(others))
	case len(others) == 0:
		return "", fmt.Errorf("%w: a folder without a weights file", ErrFormat)
	case !configured:
		return "", fmt.Errorf("%w: a folder with %q and no %s; name the file", ErrFormat, others[0], configName)
	}
	return others[0], nil
}

// listFolder returns the names of a folder's files and links, sorted. The folder may
// have at most limit entries.
func listFolder(dir string, limit int) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(limit + 1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(entries) > limit {
		return nil, fmt.Errorf("%w: a folder of more than %d entries", ErrLimit, limit)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// readConfig returns the folder's config.json, nil if there is none.
func readConfig(dir string) (json.RawMessage, error) {
	path := filepath.Join(dir, configName)
	b, err := readSmall(path, MaxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := checkConfig(b); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// checkConfig reports a text that is no JSON object.
func checkConfig(b []byte) error {
	if !json.Valid(b) || !bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{")) {
		return fmt.Errorf("%w: no JSON object", ErrFormat)
	}
	return nil
}

// readSmall returns a regular file's bytes, at most limit.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s: %w: more than %d bytes", path, ErrLimit, limit)
	}
	return b, err
}

// List returns the names of the files of a folder that may hold weights, sorted, as
// their endings say. The error is the file system's, or
// wraps [ErrLimit].
func List(dir string) ([]string, error) {
	names, err := listFolder(dir, MaxFolderEntries)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return !slices.Contains(weightEndings, strings.ToLower(filepath.Ext(name)))
	}), nil
}
