package diskcache

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var key, other = Sum([]byte("key")), Sum([]byte("other"))

func hash(i int) Hash { return Sum([]byte{byte(i), byte(i >> 8)}) }

func saved(t testing.TB, path string, k Hash, n int) {
	t.Helper()
	c := Open(path, k)
	for i := range n {
		c.Put(hash(i), bytes.Repeat([]byte{byte(i)}, i))
	}
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "for", "it.cache")
	if got := Open(path, key).Get(hash(1)); got != nil {
		t.Errorf("a missing file holds %v", got)
	}
	saved(t, path, key, 5)
	c := Open(path, key)
	for i := range 5 {
		if got := c.Get(hash(i)); got == nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, i)) {
			t.Errorf("blob %d came back as %v", i, got)
		}
	}
	before, _ := os.Stat(path)
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(path); !os.SameFile(before, after) {
		t.Error("a file was written though nothing had changed")
	}
}

// TestBadFilesCountAsEmpty damages a file in every way, and sees it replaced.
func TestBadFilesCountAsEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.cache")
	saved(t, path, key, 3)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string][]byte{"empty": nil, "text": []byte("not a cache"), "too long": append(bytes.Clone(good), 0), "huge": make([]byte, MaxBytes+1)}
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1
		bad[fmt.Sprint("bit ", i)] = b
		bad[fmt.Sprint("cut at ", i)] = good[:i]
	}
	for name, data := range bad {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		if got := Open(path, key); len(got.blobs) != 0 {
			t.Errorf("%s: %d blobs", name, len(got.blobs))
		}
	}
	saved(t, path, key, 3)
	if got, _ := os.ReadFile(path); !bytes.Equal(got, good) {
		t.Error("a damaged file was not replaced by the same bytes as ever")
	}
	if got := Open(path, other); len(got.blobs) != 0 {
		t.Errorf("another key finds %d blobs", len(got.blobs))
	}
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	c := Open(filepath.Join(file, "x.cache"), key)
	c.Put(hash(1), nil)
	if err := c.Save(); err == nil {
		t.Error("saved below a file")
	}
}

// TestBounded puts more than fits: what was not asked for goes.
func TestBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.cache")
	big := make([]byte, 20<<20)
	c := Open(path, key)
	for i := range 3 {
		c.Put(hash(i), big)
	}
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	c = Open(path, key)
	c.Put(hash(3), big)
	if c.Get(hash(2)) == nil {
		t.Fatal("60 MiB were not kept")
	}
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > MaxBytes {
		t.Fatalf("%d bytes, error %v", info.Size(), err)
	}
	c = Open(path, key)
	if c.Get(hash(3)) == nil || c.Get(hash(2)) == nil || len(c.blobs) != 3 {
		t.Errorf("%d blobs, not the ones asked for", len(c.blobs))
	}
}

func TestFolderIsBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range 2 * maxFiles {
		saved(t, filepath.Join(dir, fmt.Sprint(i, ".cache")), key, 1)
	}
	names, _ := os.ReadDir(dir)
	if len(names) != maxFiles {
		t.Errorf("%d files", len(names))
	}
	if len(Open(filepath.Join(dir, fmt.Sprint(2*maxFiles-1, ".cache")), key).blobs) != 1 {
		t.Error("the newest went")
	}
}

// TestProcessesAtOnce writes one file from several processes and goroutines; what
// is left is sound, and a later save keeps all that it found.
func TestProcessesAtOnce(t *testing.T) {
	if path := os.Getenv("DISKCACHE_CHILD"); path != "" {
		for n := range 20 {
			saved(t, path, key, n+1)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "x.cache")
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestProcessesAtOnce$")
			cmd.Env = append(os.Environ(), "DISKCACHE_CHILD="+path)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	for range 20 {
		if c := Open(path, key); len(c.blobs) > 0 && c.Get(hash(0)) == nil {
			t.Error("a reader saw a file without what every writer puts first")
		}
		saved(t, path, key, 2)
	}
	wg.Wait()
	saved(t, path, key, 20)
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
		t.Errorf("%d files left", len(names))
	}
	if n := len(Open(path, key).blobs); n != 20 {
		t.Errorf("%d blobs", n)
	}
}

// FuzzParse holds that no bytes panic, and that what parses is written again as
// it can be read.
func FuzzParse(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte(magic))
	f.Add(encode(key, nil, nil))
	f.Add(encode(key, map[Hash][]byte{hash(1): []byte("abc"), hash(2): nil}, map[Hash]bool{hash(2): true}))
	f.Fuzz(func(t *testing.T, data []byte) {
		blobs, err := parse(data, key)
		if err != nil {
			// A checksum hides the entries from a fuzzer: let it have them bare.
			if len(data) < 4 {
				return
			}
			if blobs, err = entries(data[4:], uint32(data[0])|uint32(data[1])<<8); err != nil {
				return
			}
		}
		again, err := parse(encode(key, blobs, nil), key)
		if err != nil || len(again) != len(blobs) {
			t.Fatalf("%d blobs came back as %d, error %v", len(blobs), len(again), err)
		}
		for h, b := range blobs {
			if !bytes.Equal(again[h], b) {
				t.Fatalf("blob %x came back changed", h)
			}
		}
	})
}
