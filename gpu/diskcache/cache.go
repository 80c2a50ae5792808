package diskcache

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"

	"github.com/morton-gen/morton/internal/atomicfile"
)

// Hash names a blob or a key.
type Hash [sha256.Size]byte

// Sum hashes parts, each with its length, so that no two lists share bytes.
func Sum(parts ...[]byte) Hash {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.LittleEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write(p)
	}
	return Hash(h.Sum(nil))
}

// Cache is one file's blobs. It is safe for concurrent use.
type Cache struct {
	path string
	key  Hash

	mu      sync.Mutex
	blobs   map[Hash][]byte
	wanted  map[Hash]bool // asked for or put since Open: the last to go
	changed bool
}

// Open reads the file at path, if it is sound and of the key.
func Open(path string, key Hash) *Cache {
	return &Cache{path: path, key: key, blobs: read(path, key), wanted: map[Hash]bool{}}
}

// Path is the file's.
func (c *Cache) Path() string { return c.path }

// Get returns the blob of a hash, nil if there is none. It must not be changed.
func (c *Cache) Get(h Hash) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted[h] = true
	return c.blobs[h]
}

// Put sets the blob of a hash, and keeps it.
func (c *Cache) Put(h Hash, blob []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blobs[h], c.wanted[h], c.changed = blob, true, true
}

// Save writes the file if Put was called since it was read, with what other
// processes have added to it, and makes its folder if there is none. Past
// MaxBytes, blobs that nobody asked for are left out.
func (c *Cache) Save() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.changed {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(c.path), 0o777); err != nil {
		return err
	}
	for h, b := range read(c.path, c.key) {
		if c.blobs[h] == nil {
			c.blobs[h] = b
		}
	}
	f, err := atomicfile.Create(c.path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(encode(c.key, c.blobs, c.wanted)); err != nil {
		return err
	}
	if err := f.Commit(); err != nil {
		return err
	}
	c.changed = false
	return prune(c.path)
}
