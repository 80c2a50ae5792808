package gpu

import (
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/gpu/diskcache"
	"github.com/morton-gen/morton/gpu/vk"
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

// openCache reads the pipelines an earlier process made on the device; nil keeps
// none.
func openCache(p *vk.Physical) *diskcache.Cache {
	dir := CacheDir()
	if dir == "" {
		return nil
	}
	key := identity(p)
	return diskcache.Open(filepath.Join(dir, "pipelines", hex.EncodeToString(key[:12])+".cache"), key)
}

// identity is of the device and the driver to the version: a pipeline of another
// is of no use, and not every driver bears being handed one.
func identity(p *vk.Physical) diskcache.Hash {
	var n []byte
	for _, x := range []uint32{p.VendorID, p.DeviceID, p.DriverVersion, p.APIVersion} {
		n = binary.LittleEndian.AppendUint32(n, x)
	}
	return diskcache.Sum([]byte("pipelines"), n, p.DriverUUID[:], p.DeviceUUID[:], []byte(p.Driver), []byte(p.DriverInfo))
}

// sourceHash tells shaders apart by their code, constants and width.
func sourceHash(s vk.Source) diskcache.Hash {
	width := binary.LittleEndian.AppendUint32(nil, uint32(s.Subgroup))
	return diskcache.Sum(width, littleEndian(s.Spec), littleEndian(s.SPIRV))
}

func littleEndian(words []uint32) []byte {
	out := make([]byte, 0, 4*len(words))
	for _, w := range words {
		out = binary.LittleEndian.AppendUint32(out, w)
	}
	return out
}
