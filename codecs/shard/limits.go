package shard

// Limits bounds what a shard may make its reader allocate. Zero fields mean the
// defaults.
type Limits struct {
	FileBytes  int64 // size of the file; default 1 TiB
	Samples    int64 // samples in the file; default 1<<31
	GroupBytes int64 // memory of one decoded row group with working space; default 1.3 GiB, enough for a sample of MaxTokens
	Tokens     int   // tokens of one sample; default [MaxTokens]
}

// maxGroupBytes is the memory that a reader charges for the longest sample of
// incompressible tokens: as entries (see entryBytes), decompressed, and as in the
// file.
const maxGroupBytes = MaxTokens * (24 + 8 + 9)

// MaxTokens is the length of the longest sample that can be written: 256 MiB of
// tokens.
const MaxTokens = 1 << 25

const (
	// maxFooterBytes bounds the footer: about 50,000 row groups of a shard.
	maxFooterBytes = 64 << 20
)

func (l Limits) withDefaults() Limits {
	if l.FileBytes == 0 {
		l.FileBytes = 1 << 40
	}
	if l.Samples == 0 {
		l.Samples = 1 << 31
	}
	if l.GroupBytes == 0 {
		l.GroupBytes = maxGroupBytes
	}
	if l.Tokens == 0 {
		l.Tokens = MaxTokens
	}
	return l
}
