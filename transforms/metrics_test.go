package transforms

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"

	"github.com/morton-gen/morton/transforms/family"
)

// TestRunnersGetMetrics looks at what Beam has of one request: the names are those that
// boards for RunInference show.
func TestRunnersGetMetrics(t *testing.T) {
	ctx := metrics.SetPTransformID(metrics.SetBundleID(context.Background(), "bundle"), "stage")
	for _, took := range []time.Duration{2 * time.Second, time.Second} {
		noteGenerated(ctx, &family.Result{Elapsed: took, Waited: 3 * time.Millisecond}, 4)
	}
	path := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(path, make([]byte, 1234), 0o600); err != nil {
		t.Fatal(err)
	}
	noteRead(ctx, path)
	noteRead(ctx, "") // of a request that continues nothing
	failedInferences.Inc(ctx, 1)
	timed(ctx, stageWrite, 5*time.Millisecond)
	type sums struct{ count, sum, most int64 }
	got := map[string]sums{}
	err := metrics.Extractor{
		SumInt64: func(l metrics.Labels, v int64) { got[l.Namespace()+"/"+l.Name()] = sums{sum: v} },
		DistributionInt64: func(l metrics.Labels, count, sum, _, most int64) {
			got[l.Namespace()+"/"+l.Name()] = sums{count, sum, most}
		},
	}.ExtractFrom(metrics.GetStore(ctx))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]sums{
		"RunInference/num_inferences":                     {sum: 2},
		"RunInference/failed_batches_counter":             {sum: 1},
		"RunInference/inference_request_batch_size":       {2, 8, 4},
		"RunInference/inference_batch_latency_micro_secs": {2, 3_000_000, 2_000_000},
		"RunInference/inference_request_batch_byte_size":  {2, 1234, 1234},
		"morton/queue_wait_milli_secs":                    {2, 6, 3},
		"morton/generate_milli_secs":                      {2, 3000, 2000},
		"morton/write_milli_secs":                         {1, 5, 5},
	} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
}
