package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/internal/store/storetest"
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
	tokens := make([]int64, 800)
	for i := range n {
		p := Place{request.Quads, fmt.Sprintf("%05d", i)}
		r := Result{Request: request.Request{ID: p.ID, Family: p.Family}, Action: Generate, TokensSHA256: HashTokens(tokens)}
		if err := WriteSample(filepath.Join(dir, p.Tokens()), shard.Sample{ID: p.ID, Kind: "k", Grid: []int32{1}, Tokens: tokens}); err != nil {
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

// BenchmarkPublishStored is what results of earlier runs cost the next one in a store that
// takes 50 ms for each request.
func BenchmarkPublishStored(b *testing.B) {
	const n = 2_000
	server := storetest.S3(b, "bucket")
	dir := "s3://bucket/out"
	tokens := make([]int64, 100)
	if err := store.Each(dir, n, func(i int) error {
		p := Place{request.Quads, fmt.Sprintf("%05d", i)}
		r := Result{Request: request.Request{ID: p.ID, Family: p.Family}, Action: Generate, TokensSHA256: HashTokens(tokens), TokenCount: len(tokens)}
		part := filepath.Join(b.TempDir(), "part")
		if err := WriteSample(part, shard.Sample{ID: p.ID, Kind: "k", Grid: []int32{1}, Tokens: tokens}); err != nil {
			return err
		}
		m := Marker{Fingerprint: "f", Result: r}
		return errors.Join(store.Put(store.Join(dir, p.Tokens()), part), m.put(dir, true))
	}); err != nil {
		b.Fatal(err)
	}
	server.Delay.Store(int64(50 * time.Millisecond))
	for _, name := range []string{"first", "again"} {
		begun, before := time.Now(), server.Requests.Load()
		if _, err := Publish(dir, nil, Run{Action: Generate}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(begun).Seconds(), name+"-s")
		b.ReportMetric(float64(server.Requests.Load()-before), name+"-requests")
	}
}
