package report

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/store/storetest"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/request"
)

var (
	scaleResults = flag.Int("results", 1000, "results of BenchmarkPublish")
	scaleStored  = flag.Bool("stored", false, "BenchmarkPublish publishes into a store of 50 ms a request")
)

const scaleCube = "v 0 0 %.6f\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\nv 1 0 1\nv 1 1 1\nv 0 1 1\n" +
	"f 4 3 2 1\nf 5 6 7 8\nf 1 2 6 5\nf 2 3 7 6\nf 3 4 8 7\nf 4 1 5 8\n"

// deliverMesh delivers a small mesh as the stage that writes does.
func deliverMesh(dir, run string, i int) (Result, error) {
	p := Place{request.Quads, fmt.Sprintf("mesh-%06d", i)}
	tokens := make([]int64, 96)
	for j := range tokens {
		tokens[j] = int64((i*31 + j*7) % 128)
	}
	r := Result{
		Request: request.Request{ID: p.ID, Family: p.Family, Seed: uint64(i)}, Action: Generate, Model: "quad-s-0123456789ab",
		Output: p.File(".glb"), OBJ: p.File(".obj"), Poster: p.File(".png"), TokensSHA256: HashTokens(tokens), TokenCount: len(tokens), Drawn: len(tokens),
		Measures: map[string]float64{"faces": 6, "quads": 6, "quad_ratio": 1, "watertight": 1, "chamfer_mean": 0.01, FScoreMeasure: 0.5}, Seconds: 0.25,
	}
	d, err := Deliver(dir, r, claim.Policy{})
	if err != nil {
		return r, err
	}
	defer d.Close()
	for path, text := range map[string]string{r.Output: "glb" + p.ID, r.OBJ: fmt.Sprintf(scaleCube, float64(i)*1e-6), r.Poster: "png" + p.ID} {
		temp, err := d.Path(path)
		if err != nil {
			return r, err
		}
		if err := os.WriteFile(temp, []byte(text), 0o644); err != nil {
			return r, err
		}
	}
	temp, err := d.Path(p.Tokens())
	if err != nil {
		return r, err
	}
	if err := WriteSample(temp, shard.Sample{ID: p.ID, Kind: shard.KindQuad, Grid: []int32{0, 96, 128}, Tokens: tokens}); err != nil {
		return r, err
	}
	err = d.Finish(r.Fingerprint(Generate, r.Model), run, &r)
	return r, err
}

// BenchmarkPublish publishes meshes for the first time, again by a run that skips all of
// them, and by a run that asks for none. docs/benchmarks/publish.md has the times.
func BenchmarkPublish(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "out")
	server := &storetest.Server{}
	outcomes := make([]Outcome, *scaleResults)
	all, _ := errgroup.WithContext(context.Background())
	all.SetLimit(16)
	for i := range outcomes {
		all.Go(func() error {
			r, err := deliverMesh(dir, "run-1", i)
			outcomes[i] = Outcome{Done: &r}
			return err
		})
	}
	if err := all.Wait(); err != nil {
		b.Fatal(err)
	}
	if *scaleStored {
		server = storetest.S3(b, "bucket")
		if err := server.Fill("bucket", "out", dir); err != nil {
			b.Fatal(err)
		}
		dir = "s3://bucket/out"
	}
	skipped := make([]Outcome, len(outcomes))
	for i := range outcomes {
		r := *outcomes[i].Done
		r.Skipped = true
		skipped[i] = Outcome{Done: &r}
	}
	time.Sleep(settled) // as a run of this size would have lasted
	server.Delay.Store(int64(50 * time.Millisecond))
	for _, step := range []struct {
		name     string
		outcomes []Outcome
	}{{"first", outcomes}, {"again", skipped}, {"none", nil}} {
		begun, before := time.Now(), server.Requests.Load()
		if _, err := Publish(dir, step.outcomes, Run{Name: step.name, Action: Generate, Begun: begun}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(begun).Seconds(), step.name+"-s")
		b.ReportMetric(float64(server.Requests.Load()-before), step.name+"-requests")
	}
}
