package gpu

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func newCacheFile(t testing.TB) (c *cacheFile, data, file []byte) {
	t.Helper()
	data = []byte("what a driver keeps")
	c = &cacheFile{filepath.Join(t.TempDir(), "x.cache"), sum([]byte("key"))}
	return c, data, append(c.header(data), data...)
}

// TestBadCacheFilesAreNone damages a file in every way.
func TestBadCacheFilesAreNone(t *testing.T) {
	c, data, good := newCacheFile(t)
	if c.read() != nil {
		t.Error("a missing file holds data")
	}
	put := func(file []byte) []byte {
		if err := os.WriteFile(c.path, file, 0o666); err != nil {
			t.Fatal(err)
		}
		return c.read()
	}
	if got := put(good); !bytes.Equal(got, data) {
		t.Errorf("%q came back as %q", data, got)
	}
	huge := make([]byte, maxCacheBytes+1)
	bad := map[string][]byte{"empty": nil, "text": []byte("not a cache"), "too long": append(bytes.Clone(good), 0), "huge": append(c.header(huge), huge...)}
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1
		bad[fmt.Sprint("bit ", i)] = b
		bad[fmt.Sprint("cut at ", i)] = good[:i]
	}
	for name, file := range bad {
		if got := put(file); got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	put(good)
	c.key = sum([]byte("another"))
	if got := c.read(); got != nil {
		t.Errorf("another key finds %q", got)
	}
}

// FuzzCacheFile holds that what is taken is a file as it is written, bit by bit.
func FuzzCacheFile(f *testing.F) {
	c, _, good := newCacheFile(f)
	f.Add(good)
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, file []byte) {
		if data := c.open(file); data != nil && !bytes.Equal(append(c.header(data), data...), file) {
			t.Errorf("%x was taken", file)
		}
	})
}
