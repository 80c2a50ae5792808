// Package diskcache keeps what a driver made, such as compiled pipelines, in one
// file for each driver and device: blobs under hashes, behind a key and a checksum.
//
//	8 bytes "mortonC1" | key, 32 | u32 LE: entries | entry … | SHA-256 of all before, 32
//	entry: hash, 32 | u32 LE: bytes n | n bytes
//
// A file that is missing, damaged, cut short, too large or another key's counts as
// empty, and is replaced. Files are written beside their place and renamed, so
// that processes may share a folder: each reads a whole file, and of two that
// write at once the later one wins, having merged what it found.
//
// It is not for anything that cannot be made again.
//
//	c := diskcache.Open(path, diskcache.Sum(driver, device))
//	blob := c.Get(hash)
//	if blob == nil {
//		c.Put(hash, make())
//	}
//	err := c.Save()
package diskcache
