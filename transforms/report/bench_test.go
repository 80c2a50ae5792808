package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/request"
)

// BenchmarkDone asks about results of 100 kB, as a rerun does for each.
func BenchmarkDone(b *testing.B) {
	dir := b.TempDir()
	r := request.Request{ID: "a", Family: request.Video}
	done := Result{Request: r, Action: Generate, Output: "video/a.mp4", TokensSHA256: HashTokens(nil)}
	d, err := Deliver(dir, done, claim.Policy{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	media, err := d.Path(done.Output)
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := d.Path(Place{r.Family, r.ID}.Tokens())
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(media, bytes.Repeat([]byte("x"), 100_000), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := WriteSample(tokens, shard.Sample{ID: "a", Kind: "k", Grid: []int32{1}}); err != nil {
		b.Fatal(err)
	}
	key := r.Fingerprint(Generate, "m")
	if err := d.Finish(key, "", done); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(100_000)
	for b.Loop() {
		if _, ok := Done(dir, key, "", Place{r.Family, r.ID}); !ok {
			b.Fatal("not done")
		}
	}
}

// BenchmarkPublish is what 10,000 results of earlier runs cost the next one.
func BenchmarkPublish(b *testing.B) {
	const n = 10_000
	dir := b.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "quads", "done"), 0o755); err != nil {
		b.Fatal(err)
	}
	var part string
	for i := range n {
		p := Place{request.Quads, fmt.Sprintf("%05d", i)}
		r := Result{Request: request.Request{ID: p.ID, Family: p.Family}, Action: Generate, TokensSHA256: HashTokens(make([]int64, 800))}
		if i == 0 {
			part = filepath.Join(dir, p.Tokens())
			if err := WriteSample(part, shard.Sample{ID: p.ID, Kind: "k", Grid: []int32{1}, Tokens: make([]int64, 800)}); err != nil {
				b.Fatal(err)
			}
		} else if err := os.Link(part, filepath.Join(dir, p.Tokens())); err != nil {
			b.Fatal(err)
		}
		f, err := os.Create(filepath.Join(dir, p.Marker()))
		if err != nil {
			b.Fatal(err)
		}
		if err := EncodeMarker(f, Marker{Fingerprint: "f", Result: r}); err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
	for name, work := range map[string]func() error{
		"markers": func() error { _, err := Markers(dir, request.Quads); return err },
		"past":    func() error { _, err := readPast(dir, false); return err },
		"publish": func() error { _, err := Publish(dir, nil, Run{Action: Generate}); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := work(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(n, "results")
		})
	}
}
