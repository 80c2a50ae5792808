package shard

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// Parquet compression codecs that shards may use.
const (
	codecNone   = 0
	codecSnappy = 1
	codecZstd   = 6
)

// maxRatio slightly exceeds the best ratio of zstd: a block of 128 KiB in 4
// bytes. Pages that claim more are rejected before allocation.
const maxRatio = 33_000

// newDecoder returns a zstd decoder that never exceeds the capacity of its
// output.
var newDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
})

// decompress returns the size bytes that src decompresses to, or src itself if
// it is not compressed. The caller has checked size against its budget.
func decompress(src []byte, codec int32, size int) ([]byte, error) {
	switch codec {
	case codecNone:
		if len(src) != size {
			return nil, fmt.Errorf("%w: page of %d bytes declares %d", ErrCorrupt, len(src), size)
		}
		return src, nil
	case codecSnappy, codecZstd:
	default:
		return nil, fmt.Errorf("%w: compression %d; none, snappy (1) and zstd (6) are read", ErrSchema, codec)
	}
	if size == 0 && len(src) == 0 {
		return nil, nil
	}
	if size > maxRatio*(len(src)+1) {
		return nil, fmt.Errorf("%w: page of %d bytes declares %d unpacked", ErrCorrupt, len(src), size)
	}
	dst, err := unpackPage(src, codec, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	if len(dst) != size {
		return nil, fmt.Errorf("%w: page unpacks to %d bytes, declares %d", ErrCorrupt, len(dst), size)
	}
	return dst, nil
}

func unpackPage(src []byte, codec int32, size int) ([]byte, error) {
	if codec == codecSnappy {
		n, err := snappy.DecodedLen(src)
		if err != nil || n != size {
			return nil, fmt.Errorf("snappy block of %d bytes, %d declared: %v", n, size, err)
		}
		return snappy.Decode(make([]byte, n), src)
	}
	d, err := newDecoder()
	if err != nil {
		return nil, err
	}
	return d.DecodeAll(src, make([]byte, 0, size))
}
