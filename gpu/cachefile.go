package gpu

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/gpu/vk"
	"github.com/morton-gen/morton/internal/atomicfile"
)

// CacheDir is the folder for what can be made again: MORTON_CACHE, or morton in
// the user's cache folder. It is "" where MORTON_CACHE is "off", or where the user
// has no such folder.
func CacheDir() string {
	switch dir := os.Getenv("MORTON_CACHE"); dir {
	case "off":
		return ""
	case "":
		user, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		return filepath.Join(user, "morton")
	default:
		return dir
	}
}

// cacheFile keeps a driver's pipeline cache for the next process:
//
//	key, 32: of device and driver | SHA-256 of data, 32 | data: as vkGetPipelineCacheData has it
//
// Drivers check the header of data, and trust the rest. So a file that is damaged, cut
// short, too large or another key's counts as none, and is replaced.
type cacheFile struct {
	path string
	key  [sha256.Size]byte
}

// maxCacheBytes bounds the data. A pipeline is some kilobytes to some hundred; a network
// has about fifty. A cache that has grown past it, by kernels that are no more, begins
// anew.
const maxCacheBytes = 64 << 20

// openCache gives the device the pipelines that an earlier process made; nil keeps none.
func openCache(v *vk.Device) *cacheFile {
	dir := CacheDir()
	if dir == "" {
		return nil
	}
	place := sum([]byte(v.Physical.Driver), v.Physical.DeviceUUID[:]) // a driver's update takes the place of the old one's
	c := &cacheFile{filepath.Join(dir, "pipelines", hex.EncodeToString(place[:12])+".cache"), identity(v.Physical)}
	if err := v.AddCache(c.read()); err != nil {
		return nil // pipelines are then slower to make
	}
	return c
}

// read returns the file's data, nil if it is of no use.
func (c *cacheFile) read() []byte {
	f, err := os.Open(c.path)
	if err != nil {
		return nil
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, maxCacheBytes+2*sha256.Size+1))
	if err != nil {
		return nil
	}
	return c.open(file)
}

// open returns the data of a file's bytes.
func (c *cacheFile) open(file []byte) []byte {
	if len(file) <= 2*sha256.Size || len(file) > maxCacheBytes+2*sha256.Size {
		return nil
	}
	data := file[2*sha256.Size:]
	if !bytes.Equal(file[:2*sha256.Size], c.header(data)) {
		return nil
	}
	return data
}

func (c *cacheFile) header(data []byte) []byte {
	sum := sha256.Sum256(data)
	return append(c.key[:len(c.key):len(c.key)], sum[:]...)
}

// save writes what the device's driver keeps, with what other processes have written
// meanwhile. Files are renamed into place: of two that save at once the later one wins.
func (c *cacheFile) save(v *vk.Device) error {
	there := c.read()
	if there != nil {
		if err := v.AddCache(there); err != nil {
			return err
		}
	}
	data := v.CacheData()
	switch {
	case len(data) == 0 || bytes.Equal(data, there):
		return nil
	case len(data) > maxCacheBytes:
		return os.Remove(c.path)
	}
	return atomicfile.Write(c.path, func(w io.Writer) error {
		_, err := w.Write(append(c.header(data), data...))
		return err
	})
}

// identity is of the device and the driver to the version: a pipeline of another
// is of no use, and not every driver bears being handed one.
func identity(p *vk.Physical) [sha256.Size]byte {
	var n []byte
	for _, x := range []uint32{p.VendorID, p.DeviceID, p.DriverVersion, p.APIVersion} {
		n = binary.LittleEndian.AppendUint32(n, x)
	}
	return sum([]byte("pipelines"), n, p.DriverUUID[:], p.DeviceUUID[:], []byte(p.Driver), []byte(p.DriverInfo))
}

// sum hashes parts, each with its length, so that no two lists share bytes.
func sum(parts ...[]byte) [sha256.Size]byte {
	var all []byte
	for _, p := range parts {
		all = binary.LittleEndian.AppendUint64(all, uint64(len(p)))
		all = append(all, p...)
	}
	return sha256.Sum256(all)
}
