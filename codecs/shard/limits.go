package shard

// Limits bounds what a shard may make its reader allocate. Zero fields stand
// for the defaults.
type Limits struct {
	FileBytes  int64 // size of the file; default 1 TiB
	Samples    int64 // samples in the file; default 1<<31
	GroupBytes int64 // memory of one decoded row group, with its working space; default what a sample of MaxTokens takes, 1.3 GiB
	Tokens     int   // tokens of one sample; default [MaxTokens]
}

// maxGroupBytes is what reading counts for the longest sample, of tokens that do not
// compress: as an entry (see entryBytes), unpacked, and as it stands in the file.
const maxGroupBytes = MaxTokens * (24 + 8 + 9)

// MaxTokens is the longest sample a writer takes: 256 MiB of tokens.
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
