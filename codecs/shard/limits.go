package shard

// Limits bounds what a shard may make its reader allocate. Zero fields stand
// for the defaults.
type Limits struct {
	FileBytes  int64 // size of the file; default 1 TiB
	Samples    int64 // samples in the file; default 1<<31
	GroupBytes int64 // memory of one decoded row group, with its working space; default 512 MiB
	Tokens     int   // tokens of one sample; default 1<<24
}

const (
	// maxTokens is the longest sample a writer takes: 128 MiB of tokens.
	maxTokens = 1 << 24
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
		l.GroupBytes = 512 << 20
	}
	if l.Tokens == 0 {
		l.Tokens = maxTokens
	}
	return l
}
