package dar

// Of a tiny tokenizer, for tests of folders.
var (
	Tiny     = tiny
	TinyText = tinyText
)
