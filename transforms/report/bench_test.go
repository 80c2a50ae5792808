package report

import (
	"bytes"
	"os"
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
	if err := d.Finish(key, "", &done); err != nil {
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
