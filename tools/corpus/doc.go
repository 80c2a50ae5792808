// Command corpus makes the training corpora of the shipped models from files
// that Debian's packages hold. See docs/corpus.md for the packages, the
// licences and the counts.
//
//	go run ./tools/corpus quads  --out corpus/quads
//	go run ./tools/corpus shapes --out corpus/shapes
//	go run ./tools/corpus video  --out corpus/video
//	go run ./tools/corpus tokens --clips corpus/video/train/clips.safetensors --tokenizer DIR --out train.parquet
//	go run ./tools/corpus train  --corpus corpus/video --minutes 60
//
// It is a tool for developers: nothing that the morton command does needs it.
package main
