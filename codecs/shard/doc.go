// Package shard holds token shards: Parquet files with one row a sample, which
// pandas, DuckDB and Polars read as they are.
//
// It is not for media (see codecs/video, mesh/obj) nor for weights (see
// codecs/safetensors), and it does not know what a token means.
//
// The columns:
//
//	id      string                 unique within a corpus
//	kind    string                 "cube", "octree", "quad"
//	grid    list<int32>            the family's shape
//	tokens  list<int64>            ids, or binary codes as bit patterns
//	source  string                 where the sample came from
//	meta    map<string, string>    anything else, sorted by key
//
// Writing and reading:
//
//	w, err := shard.Create("out/clips.parquet")
//	if err != nil {
//		return err
//	}
//	defer w.Abort() // does nothing after Close
//	if err := w.Write(shard.Sample{ID: "a", Kind: shard.KindCube, Grid: []int32{4, 8, 8}, Tokens: ids}); err != nil {
//		return err
//	}
//	if err := w.Close(); err != nil {
//		return err
//	}
//	samples, err := shard.ReadAll("out/clips.parquet", shard.Limits{})
//
// Files are written and read by this package's own code, which the tests hold against
// parquet-go. The writer compresses a list as it comes and needs little beside: parquet-go
// 0.32 holds a list in 24 bytes a value in three places, 765 MB for the 4.3 million tokens
// of half an hour of video where this writer takes 42 MB. The reader covers the part of
// Parquet that a shard needs (PLAIN and dictionary values, zstd, snappy or no
// compression) and checks each count before it allocates: the general reader trusts run
// lengths and frame sizes of the file, and decodes through unchecked pointers.
//
// Letters: n tokens of a sample, r rows (samples) of a row group.
package shard
