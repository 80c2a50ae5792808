package shard

import (
	"fmt"
	"path/filepath"
	"testing"
)

// The shapes of the two families that bound the range: short quad sequences
// and clips of 16 frames in cubes of 4 by 8 by 8. A file of one sample is what each result has.
var benchShapes = []struct{ samples, tokens int }{{2000, 256}, {200, 4096}, {1, 96}}

func BenchmarkWrite(b *testing.B) {
	for _, shape := range benchShapes {
		b.Run(fmt.Sprintf("samples=%d/tokens=%d", shape.samples, shape.tokens), func(b *testing.B) {
			list, size := benchSamples(shape.samples, shape.tokens)
			path := filepath.Join(b.TempDir(), "s.parquet")
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				write(b, path, list)
			}
			b.ReportMetric(float64(len(list)*b.N)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, shape := range benchShapes {
		b.Run(fmt.Sprintf("samples=%d/tokens=%d", shape.samples, shape.tokens), func(b *testing.B) {
			list, size := benchSamples(shape.samples, shape.tokens)
			path := filepath.Join(b.TempDir(), "s.parquet")
			write(b, path, list)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ReadAll(path, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(list)*b.N)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

func benchSamples(n, tokens int) ([]Sample, int64) {
	list := many(n, tokens)
	size := 0
	for i := range list {
		size += 8 * len(list[i].Tokens)
	}
	return list, int64(size)
}
