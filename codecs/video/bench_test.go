package video

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

func BenchmarkDecode(b *testing.B) {
	for _, path := range fixtures(b) {
		name, _, _ := strings.Cut(filepath.Base(path), "_")
		for _, o := range []Options{{}, {W: 64, H: 64, Fit: Crop}} {
			size := "source"
			if o.W > 0 {
				size = fmt.Sprintf("%dx%d", o.W, o.H)
			}
			b.Run(name+"/size="+size, func(b *testing.B) { benchDecode(b, path, o) })
		}
	}
}

func benchDecode(b *testing.B, path string, o Options) {
	b.ReportAllocs()
	frames, bytes := 0, 0
	for b.Loop() {
		r, err := Open(context.Background(), path, o)
		if err != nil {
			b.Fatal(err)
		}
		for {
			f, _, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			frames++
			bytes += len(f)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(bytes / b.N))
	b.ReportMetric(float64(frames)/b.Elapsed().Seconds(), "frames/s")
}

func BenchmarkEncode(b *testing.B) {
	for _, s := range []int{64, 256} {
		b.Run(fmt.Sprintf("size=%dx%d", s, s), func(b *testing.B) {
			b.ReportAllocs()
			c := waves(48, s, s, clip.Rate{Num: 25, Den: 1})
			path := filepath.Join(b.TempDir(), "out.mp4")
			b.SetBytes(int64(len(c.Pix)))
			for b.Loop() {
				if err := Encode(context.Background(), path, c, EncodeOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.T*b.N)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}
