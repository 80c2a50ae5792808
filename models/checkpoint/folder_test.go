package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// folder returns a new folder with copies of testdata's sharded checkpoint, changed
// by files: a text replaces a file, and "-" removes it.
func folder(t testing.TB, from string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", from))); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		err := os.Remove(path)
		if text != "-" {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return dir
}

// mapped is an index of one tensor.
func mapped(name, file string) string {
	b, _ := json.Marshal(map[string]any{"weight_map": map[string]string{name: file}})
	return string(b)
}

const (
	shardOne  = "model-00001-of-00003.safetensors"
	shardTwo  = "model-00002-of-00003.safetensors"
	indexFile = "model.safetensors.index.json"
)

func TestFolders(t *testing.T) {
	for _, c := range []struct {
		name, from string
		files      map[string]string
		want       error
		says       string
	}{
		{"whole and index", "sharded", map[string]string{"model.safetensors": "x"}, ErrAmbiguous, `"model.safetensors", "model.safetensors.index.json"`},
		{"no index", "sharded", map[string]string{indexFile: "-"}, ErrAmbiguous, shardTwo},
		{"a shard is missing", "sharded", map[string]string{shardTwo: "-"}, fs.ErrNotExist, shardTwo},
		{"a shard is broken", "sharded", map[string]string{shardTwo: "x"}, ErrFormat, shardTwo},
		{"a tensor is missing", "sharded", map[string]string{indexFile: mapped("none", shardOne)}, ErrFormat, `"none"`},
		{"a shard is a folder", "sharded", map[string]string{indexFile: mapped("a", "x/..")}, ErrUnsafe, "x/.."},
		{"a shard above", "sharded", map[string]string{indexFile: mapped("a", "../model.safetensors")}, ErrUnsafe, "../model.safetensors"},
		{"index of nothing", "sharded", map[string]string{indexFile: "{}"}, ErrFormat, "weight_map"},
		{"index is no JSON", "sharded", map[string]string{indexFile: "{"}, ErrFormat, "index"},
		{"long index", "sharded", map[string]string{indexFile: strings.Repeat(" ", MaxIndexBytes+1)}, ErrLimit, indexFile},
		{"config is no object", "whole", map[string]string{"config.json": "[1]"}, ErrFormat, "config.json"},
		{"config is no JSON", "whole", map[string]string{"config.json": `{"a":`}, ErrFormat, "config.json"},
		{"long config", "whole", map[string]string{"config.json": "{" + strings.Repeat(" ", MaxConfigBytes) + "}"}, ErrLimit, "config.json"},
		{"no weights", "whole", map[string]string{"model.safetensors": "-"}, ErrFormat, "without a weights file"},
		{"weights are text", "whole", map[string]string{"model.safetensors": "text"}, ErrFormat, "model.safetensors"},
	} {
		_, err := Open(folder(t, c.from, c.files))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v that says %s", c.name, err, c.want, c.says)
		}
	}
}

// TestConfigAtTheLimit keeps a config of exactly the limit, byte for byte.
func TestConfigAtTheLimit(t *testing.T) {
	text := "{" + strings.Repeat(" ", MaxConfigBytes-2) + "}"
	c, err := Open(folder(t, "whole", map[string]string{"config.json": text}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if string(c.Config()) != text {
		t.Errorf("config of %d bytes", len(c.Config()))
	}
}

// TestLinks opens a folder of links, as Hugging Face's cache keeps them.
func TestLinks(t *testing.T) {
	from, err := filepath.Abs(filepath.Join("testdata", "sharded"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"config.json", indexFile, shardOne, shardTwo, "model-00003-of-00003.safetensors"} {
		if err := os.Symlink(filepath.Join(from, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	checkTensors(t, c, readExpected(t))
}

func TestLongFolder(t *testing.T) {
	dir := filepath.Join("testdata", "several")
	if names, err := listFolder(dir, 3); err != nil || len(names) != 3 {
		t.Errorf("three entries: %q, %v", names, err)
	}
	if _, err := listFolder(dir, 2); !errors.Is(err, ErrLimit) {
		t.Errorf("one too many: %v, want ErrLimit", err)
	}
}

// TestPipes opens folders with a pipe in place of a file. Reading one would wait for
// a writer.
func TestPipes(t *testing.T) {
	for _, name := range []string{"config.json", "model.safetensors"} {
		dir := folder(t, "whole", map[string]string{name: "-"})
		if err := unix.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := Open(dir)
			done <- err
		}()
		select {
		case err := <-done:
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v, want ErrFormat", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: Open waits", name)
		}
	}
}

func TestShardNames(t *testing.T) {
	for name, want := range map[string]error{
		"model.safetensors":       nil,
		"part/model.safetensors":  nil,
		"..model.safetensors":     nil,
		"":                        ErrFormat,
		".":                       ErrFormat,
		"a\x00b":                  ErrFormat,
		"..":                      ErrUnsafe,
		"../model.safetensors":    ErrUnsafe,
		"a/../../b":               ErrUnsafe,
		"a/../b":                  ErrUnsafe,
		"/etc/passwd":             ErrUnsafe,
		`..\model.safetensors`:    ErrUnsafe,
		`C:model.safetensors`:     ErrUnsafe,
		`\\server\m.safetensors`:  ErrUnsafe,
		"file:///etc/passwd":      ErrUnsafe,
		"http://example.org/m.pt": ErrUnsafe,
	} {
		if err := checkShardName(name); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
	}
}

func TestShardFormat(t *testing.T) {
	for want, got := range map[string]string{
		"Hugging Face, 1 shard":        shardFormat(1, "safetensors"),
		"Hugging Face, 2 torch shards": shardFormat(2, "torch"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTooManyShards(t *testing.T) {
	var x index
	x.WeightMap = map[string]string{}
	for i := range MaxShards + 1 {
		x.WeightMap[fmt.Sprint(i)] = fmt.Sprint(i, ".bin")
	}
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseIndex(b); !errors.Is(err, ErrLimit) {
		t.Errorf("got %v, want ErrLimit", err)
	}
	long := mapped(strings.Repeat("x", maxNameBytes+1), "a.bin")
	if _, err := parseIndex([]byte(long)); !errors.Is(err, ErrLimit) {
		t.Errorf("long name: %v, want ErrLimit", err)
	}
}

// FuzzIndex parses any bytes as an index: the shards of one that passes lie below its
// folder.
func FuzzIndex(f *testing.F) {
	for _, path := range []string{"sharded/" + indexFile, "sharded-torch/pytorch_model.bin.index.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", path))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, name := range []string{"a.bin", "../a.bin", "/a.bin", `a\..\..\b`, "a/../../b", "", "."} {
		f.Add([]byte(mapped("w", name)))
	}
	f.Add([]byte(`{"metadata":{"a":1e400,"b":"x","c":null,"d":[1]},"weight_map":{"w":"a"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := parseIndex(b)
		if err != nil {
			checkKind(t, err)
			return
		}
		for _, name := range x.shards() {
			path := filepath.Join("base", filepath.FromSlash(name))
			if rest, ok := strings.CutPrefix(path, "base"+string(filepath.Separator)); !ok || rest == "" || slices.Contains(strings.Split(name, "/"), "..") {
				t.Fatalf("shard %q leaves the folder", name)
			}
		}
		for key, text := range x.notes() {
			if len(text) > maxNoteBytes {
				t.Fatalf("note %q of %d bytes", key, len(text))
			}
		}
	})
}

// FuzzConfig takes any bytes as a config: one that passes is a JSON object.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{"{}", " {\"a\": 1}\n", "[]", "null", "{", "\ufeff{}", "{}{}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := checkConfig(b)
		if err != nil {
			checkKind(t, err)
		}
		var object map[string]json.RawMessage
		isObject := json.Unmarshal(b, &object) == nil && object != nil
		if isObject != (err == nil) {
			t.Fatalf("object %v, error %v", isObject, err)
		}
	})
}

func checkKind(t *testing.T, err error) {
	t.Helper()
	if !slices.ContainsFunc([]error{ErrFormat, ErrUnsafe, ErrLimit, ErrAmbiguous, ErrPart}, func(k error) bool { return errors.Is(err, k) }) {
		t.Fatalf("error %v is of no kind", err)
	}
}
