package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/internal/store/storetest"
)

// each runs a test body against the disk and both stores.
func each(t *testing.T, body func(t *testing.T, root string, server *storetest.Server)) {
	t.Run("disk", func(t *testing.T) { body(t, t.TempDir(), nil) })
	t.Run("s3", func(t *testing.T) {
		s := storetest.S3(t, "bucket")
		body(t, "s3://bucket/a folder/ü", s)
	})
	t.Run("gs", func(t *testing.T) {
		s := storetest.GS(t)
		body(t, "gs://bucket/a folder/ü", s)
	})
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func read(t *testing.T, place string) string {
	t.Helper()
	data, err := store.ReadFile(place, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlaces: a place is written, replaced, listed, looked at and removed, the same on the
// disk and in stores.
func TestPlaces(t *testing.T) {
	each(t, func(t *testing.T, root string, _ *storetest.Server) {
		dir := store.Join(root, "deep", "er")
		must(t, store.MkdirAll(dir))
		a := store.Join(dir, "a.json")
		if _, err := store.Lstat(a); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("nothing there: %v", err)
		}
		if _, err := store.Open(a); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("nothing there: %v", err)
		}
		must(t, store.New(a, text("one")))
		if err := store.New(a, text("two")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a second one: %v", err)
		}
		if got := read(t, a); got != "one" {
			t.Errorf("%q", got)
		}
		first, err := store.Stat(a)
		must(t, err)
		must(t, store.Replace(a, text("three")))
		second, err := store.Stat(a)
		must(t, err)
		if store.Stored(a) && (store.Tag(first) == "" || store.Tag(first) == store.Tag(second)) {
			t.Errorf("tags %q and %q", store.Tag(first), store.Tag(second))
		}
		if second.Size() != 5 || second.IsDir() || !second.Mode().IsRegular() || second.Name() != "a.json" {
			t.Errorf("%+v", second)
		}
		must(t, store.Replace(store.Join(root, "deep", "b"), text("")))
		entries, err := store.ReadDir(store.Join(root, "deep"))
		must(t, err)
		var names []string
		for _, e := range entries {
			names = append(names, fmt.Sprint(e.Name(), e.IsDir()))
		}
		if slices.Sort(names); !slices.Equal(names, []string{"bfalse", "ertrue"}) {
			t.Errorf("%q", names)
		}
		for _, folder := range []string{root, store.Join(root, "deep")} {
			if info, err := store.Stat(folder); err != nil || !info.IsDir() {
				t.Errorf("%s: %v, %v", folder, info, err)
			}
		}
		must(t, store.Remove(a))
		if _, err := store.Stat(dir); store.Stored(dir) && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("an empty prefix: %v", err)
		}
	})
}

// TestSwap: of many writers that each add one to a number, none is lost.
func TestSwap(t *testing.T) {
	each(t, func(t *testing.T, root string, server *storetest.Server) {
		if server == nil {
			t.Skip("of stores alone")
		}
		server.FailEvery.Store(20)
		place := store.Join(root, "count")
		must(t, store.Swap(place, "", text(strings.Repeat("x", 1))))
		var wait sync.WaitGroup
		for i := range 4 {
			wait.Go(func() {
				for j := range 5 {
					for {
						f, err := store.Open(place)
						if err != nil {
							t.Error(err)
							return
						}
						info, _ := f.Stat()
						old, err := io.ReadAll(f)
						f.Close()
						if errors.Is(err, store.ErrReplaced) {
							continue
						}
						if err != nil {
							t.Error(err)
							return
						}
						mine := fmt.Sprintf("%s %d.%d", old, i, j)
						if err = store.Swap(place, store.Tag(info), text(mine)); err == nil {
							break
						}
						if !errors.Is(err, fs.ErrExist) {
							t.Error(err)
							return
						}
						if slices.Contains(strings.Fields(read(t, place)), fmt.Sprintf("%d.%d", i, j)) {
							break // the answer was lost, and another has added to it since
						}
					}
				}
			})
		}
		wait.Wait()
		words := strings.Fields(read(t, place))
		slices.Sort(words)
		if n := len(words); n != 21 || len(slices.Compact(words)) != n {
			t.Errorf("%q", words)
		}
		if server.Failed.Load() == 0 {
			t.Error("no request failed")
		}
	})
}

// TestFailing: objects of one part and of several come whole from a store that fails one
// request in three, and whole to it; one that always fails gives the error for it.
func TestFailing(t *testing.T) {
	each(t, func(t *testing.T, root string, server *storetest.Server) {
		if server == nil {
			t.Skip("of stores alone")
		}
		server.FailEvery.Store(3)
		for _, size := range []int{0, 1, 100_000, 20 << 20} {
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(i * i >> 7)
			}
			path := filepath.Join(t.TempDir(), "file")
			must(t, os.WriteFile(path, data, 0o644))
			place := store.Join(root, fmt.Sprint(size, ".bin"))
			must(t, store.PutNew(place, path))
			c, err := store.Fetch(t.Context(), place, int64(size)+1)
			must(t, err)
			got, err := os.ReadFile(c.Path)
			must(t, err)
			if !bytes.Equal(got, data) {
				t.Errorf("%d bytes came back as %d others", size, len(got))
			}
			must(t, c.Remove())
		}
		if server.Failed.Load() < 4 {
			t.Errorf("%d of %d requests failed", server.Failed.Load(), server.Requests.Load())
		}
		server.FailEvery.Store(1)
		before := server.Requests.Load()
		_, err := store.Lstat(store.Join(root, "1.bin"))
		if !errors.Is(err, store.ErrUnavailable) || errkind.Of(err) != "unavailable" {
			t.Errorf("%v", err)
		}
		if n := server.Requests.Load() - before; n < 3 || n > 8*4 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestFetchLimit: a copy is bounded, and removed.
func TestFetchLimit(t *testing.T) {
	each(t, func(t *testing.T, root string, _ *storetest.Server) {
		t.Setenv("TMPDIR", t.TempDir())
		place := store.Join(root, "clip.mp4")
		must(t, store.Replace(place, text("twelve bytes")))
		must(t, store.MkdirAll(store.Join(root, "more")))
		must(t, store.Replace(store.Join(root, "more", "b.bin"), text("12345")))
		c, err := store.Fetch(t.Context(), place, 17)
		must(t, err)
		if filepath.Base(c.Path) != "clip.mp4" || read(t, c.Path) != "twelve bytes" {
			t.Errorf("%s", c.Path)
		}
		must(t, c.Add(t.Context(), "more/b.bin"))
		if got := read(t, filepath.Join(filepath.Dir(c.Path), "more", "b.bin")); got != "12345" {
			t.Errorf("%q", got)
		}
		if store.Stored(place) {
			if err := c.Add(t.Context(), "../b"); !errors.Is(err, store.ErrPlace) {
				t.Errorf("%v", err)
			}
		}
		must(t, c.Remove())
		if _, err := os.Stat(c.Path); store.Stored(place) != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("removed: %v", err)
		}
		_, err = store.Fetch(t.Context(), place, 11)
		if store.Stored(place) != (errors.Is(err, store.ErrTooLarge) && errkind.Of(err) == "limit") {
			t.Errorf("%v", err)
		}
		if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
			t.Errorf("left %v, %v", left, err)
		}
	})
}

// TestFetchFolder: a folder is copied once, again when an object changes or the copy is
// damaged, and not at all if its digests are others than those that it names.
func TestFetchFolder(t *testing.T) {
	each(t, func(t *testing.T, root string, server *storetest.Server) {
		must(t, store.MkdirAll(store.Join(root, "tokenizer")))
		must(t, store.Replace(store.Join(root, "config.json"), text("{}")))
		must(t, store.Replace(store.Join(root, "tokenizer", "model.safetensors"), text("weights")))
		cache := t.TempDir()
		get := func(place string) string {
			t.Helper()
			dir, err := store.FetchFolder(t.Context(), place, cache)
			must(t, err)
			return dir
		}
		dir := get(root)
		if read(t, filepath.Join(dir, "tokenizer", "model.safetensors")) != "weights" {
			t.Fatal("other weights")
		}
		if server == nil {
			return
		}
		if again := get(root); again != dir {
			t.Errorf("%s, then %s", dir, again)
		}
		must(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte("[]"), 0o644))
		if get(root); read(t, filepath.Join(dir, "config.json")) != "{}" {
			t.Error("the damaged copy stays")
		}
		must(t, store.Replace(store.Join(root, "config.json"), text(`{"a":1}`)))
		if again := get(root); again == dir || read(t, filepath.Join(again, "config.json")) != `{"a":1}` {
			t.Error("the old copy stays")
		}
		if file := get(store.Join(root, "config.json")); filepath.Base(file) != "config.json" || read(t, file) != `{"a":1}` {
			t.Errorf("one file: %s", file)
		}
		// echo -n '{"a":1}' | sha256sum
		const sum = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
		must(t, store.Replace(store.Join(root, store.DigestFile), text(sum+"  ./config.json\n")))
		get(root)
		must(t, store.Replace(store.Join(root, "config.json"), text(`{"a":2}`)))
		if _, err := store.FetchFolder(t.Context(), root, cache); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%v", err)
		}
		if _, err := store.FetchFolder(t.Context(), store.Join(root, "nothing"), cache); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	})
}

// TestRefused: what a store refuses keeps its kind, and no name shows a secret.
func TestRefused(t *testing.T) {
	storetest.S3(t, "bucket")
	storetest.GS(t)
	for place, want := range map[string]error{
		"s3://nothing/a": fs.ErrNotExist, "gs://none/a": store.ErrBucket, "gs://closed/a": fs.ErrPermission,
	} {
		if _, err := store.Lstat(place); !errors.Is(err, want) || !strings.Contains(err.Error(), place) {
			t.Errorf("%s: %v", place, err)
		}
		if err := store.New(place, text("x")); !errors.Is(err, want) {
			t.Errorf("%s: %v", place, err)
		}
	}
	for _, place := range []string{"s3://nothing/a", "gs://none/a"} {
		if err := store.Reach(place); !errors.Is(err, store.ErrBucket) || !errors.Is(err, fs.ErrNotExist) || errkind.Of(err) != "not_found" {
			t.Errorf("%s: %v", place, err)
		}
	}
	if _, err := store.Lstat("gs://bucket/none"); errors.Is(err, store.ErrBucket) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an object that is not there: %v", err)
	}
	for _, place := range []string{
		"s3://", "gs:///a", "s3://key:secret@bucket/a", "http://user:secret@host/a?sign=secret", "ftp://host/a", "gs://buc ket/a", "s3://bucket?secret/a", "s3:/bucket/a", "gs:bucket/a", "s3:/key:secret@bucket/a",
		"s3://bucket/" + strings.Repeat("k", 1025),
	} {
		err := store.Check(place)
		if !errors.Is(err, store.ErrPlace) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", place, err)
		}
	}
	for _, place := range []string{"s3://bucket", "gs://bucket/a b/c?d#e", "/etc", "./s3:/a", ""} {
		if err := store.Check(place); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
}

// TestNoCredentials: a user without keys, or without a region, is told so, at once.
func TestNoCredentials(t *testing.T) {
	storetest.S3(t, "keyless")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := store.Lstat("s3://keyless/a"); !errors.Is(err, store.ErrSettings) || !strings.Contains(err.Error(), "no credentials") {
		t.Errorf("%v", err)
	}
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer closed.Close()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", closed.URL)
	if _, err := store.Lstat("s3://closed-metadata/a"); !errors.Is(err, store.ErrSettings) || !strings.Contains(err.Error(), "no credentials") {
		t.Errorf("a machine whose metadata are closed: %v", err)
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", "")
	t.Setenv("AWS_ENDPOINT_URL", "")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	if _, err := store.Lstat("s3://nowhere/a"); !errors.Is(err, store.ErrSettings) || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("%v", err)
	}
}

// TestCancelled: a copy ends with its context, and leaves nothing.
func TestCancelled(t *testing.T) {
	storetest.S3(t, "bucket")
	t.Setenv("TMPDIR", t.TempDir())
	must(t, store.Replace("s3://bucket/a", text("x")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Fetch(ctx, "s3://bucket/a", 0); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestNames(t *testing.T) {
	for _, c := range [][3]string{
		{"s3://bk", "a", "s3://bk/a"}, {"s3://bk/", "a", "s3://bk/a"}, {"gs://bk/x", "y/z", "gs://bk/x/y/z"}, {"x", "y", "x/y"}, {"s3://bk/x", "", "s3://bk/x"},
	} {
		if got := store.Join(c[0], c[1]); got != c[2] {
			t.Errorf("Join(%q, %q) = %q", c[0], c[1], got)
		}
	}
	for place, want := range map[string]string{"s3://bk/x/y": "s3://bk/x", "s3://bk/x": "s3://bk", "s3://bk": "s3://bk", "s3://bk/x/": "s3://bk", "x/y": "x"} {
		if got := store.Dir(place); got != want {
			t.Errorf("Dir(%q) = %q", place, got)
		}
	}
	for _, c := range [][3]string{
		{"s3://bk/out", "s3://bk/in/a.mp4", "../in/a.mp4"},
		{"s3://bk/out", "gs://bk/in/a.mp4", "gs://bk/in/a.mp4"},
		{"/x/out", "/x/in/a", "../in/a"},
		{"s3://bk/out", "/x/a b", "file:///x/a%20b"},
		{"/x", "s3://bk/a", "s3://bk/a"},
	} {
		if got := store.Link(c[0], c[1]); got != c[2] {
			t.Errorf("Link(%q, %q) = %q", c[0], c[1], got)
		}
	}
}
