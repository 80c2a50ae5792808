package transforms

import (
	"context"
	"os"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
)

// What a runner collects beside the counters of settle.go. The names of RunInference are
// those of Beam's transform for models, so that its boards show ours. Its batch is what is
// with the model at once: the engine shares each step among those requests. Runners show
// these when a bundle has ended.
var (
	inferencesCounter = beam.NewCounter("RunInference", "num_inferences")
	failedInferences  = beam.NewCounter("RunInference", "failed_batches_counter")
	inferenceBatch    = beam.NewDistribution("RunInference", "inference_request_batch_size")
	inferenceBytes    = beam.NewDistribution("RunInference", "inference_request_batch_byte_size")
	inferenceMicros   = beam.NewDistribution("RunInference", "inference_batch_latency_micro_secs")
	loadMillis        = beam.NewDistribution("RunInference", "load_model_latency_milli_secs")
	modelBytes        = beam.NewDistribution("RunInference", "model_byte_size")

	waitMillis  = beam.NewDistribution("morton", "queue_wait_milli_secs")
	stageMillis = map[string]beam.Distribution{}
)

// Metrics are those of this process, at any time, in Prometheus's form.
var Metrics = prometheus.NewRegistry()

// The metrics of a process. Seconds of stages are of attempts: an item that is tried again
// counts again.
var (
	auto = promauto.With(Metrics)

	requestsTotal = auto.NewCounterVec(prometheus.CounterOpts{
		Name: "morton_requests_total", Help: "Requests that came to an end, by outcome: done, skipped (done by an earlier run) or failed.",
	}, []string{"family", "outcome"})
	failuresTotal = auto.NewCounterVec(prometheus.CounterOpts{
		Name: "morton_failures_total", Help: "Requests that failed, by stage and kind, see failures.jsonl.",
	}, []string{"stage", "kind"})
	tokensTotal = auto.NewCounterVec(prometheus.CounterOpts{
		Name: "morton_tokens_total", Help: "Tokens that a model sampled, of results that are done.",
	}, []string{"family"})
	readBytes = auto.NewCounter(prometheus.CounterOpts{
		Name: "morton_read_bytes_total", Help: "Bytes of the inputs that were opened.",
	})
	writtenBytes = auto.NewCounter(prometheus.CounterOpts{
		Name: "morton_written_bytes_total", Help: "Bytes of media and tokens of results that are done.",
	})
	stageSeconds = auto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "morton_stage_seconds", Help: "Seconds of one item in a stage.", Buckets: prometheus.ExponentialBuckets(0.005, 3, 12), // to 15 min
	}, []string{"stage"})
	waitSeconds = auto.NewHistogram(prometheus.HistogramOpts{
		Name: "morton_queue_wait_seconds", Help: "Seconds that a request waited for room on the device.", Buckets: prometheus.ExponentialBuckets(0.005, 3, 12),
	})
	inFlight = auto.NewGauge(prometheus.GaugeOpts{
		Name: "morton_in_flight", Help: "Requests that are with the model now: those of a batch, and those that wait for room.",
	})
	loadSeconds = auto.NewHistogram(prometheus.HistogramOpts{
		Name: "morton_model_load_seconds", Help: "Seconds that opening a model took.", Buckets: prometheus.ExponentialBuckets(0.05, 3, 9),
	})
	modelBytesGauge = auto.NewGauge(prometheus.GaugeOpts{
		Name: "morton_model_bytes", Help: "Device memory that opening the last model took.",
	})
	_ = auto.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "morton_device_memory_bytes", Help: "Device memory that this process has allocated.",
	}, func() float64 { return float64(family.DeviceMemory()) })
)

func init() {
	for _, name := range []string{stageDecode, stageTokenize, stageGenerate, stageDetokenize, stageWrite} {
		stageMillis[name] = beam.NewDistribution("morton", name+"_milli_secs")
	}
	Metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// timed notes how long a stage had one item.
func timed(ctx context.Context, name string, took time.Duration) {
	stageSeconds.WithLabelValues(name).Observe(took.Seconds())
	stageMillis[name].Update(ctx, took.Milliseconds())
}

// clock returns a function that notes how long it is since.
func clock(ctx context.Context, name string) (stop func()) {
	begun := time.Now()
	return func() { timed(ctx, name, time.Since(begun)) }
}

// noteRead notes the input that is opened, which is a file, if any. It returns its bytes.
func noteRead(ctx context.Context, path string) int64 {
	var n int64 // 0 without a file
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		n = info.Size()
	}
	readBytes.Add(float64(n))
	inferenceBytes.Update(ctx, n)
	return n
}

// noteGenerated notes what one request took, of so many that were with the model.
func noteGenerated(ctx context.Context, r *family.Result, together int) {
	timed(ctx, stageGenerate, r.Elapsed)
	waitSeconds.Observe(r.Waited.Seconds())
	waitMillis.Update(ctx, r.Waited.Milliseconds())
	inferencesCounter.Inc(ctx, 1)
	inferenceBatch.Update(ctx, int64(together))
	inferenceMicros.Update(ctx, r.Elapsed.Microseconds())
}

// noteLoads notes the models that this process has opened since it was last asked.
func noteLoads(ctx context.Context) {
	for _, l := range family.TakeLoads() {
		loadSeconds.Observe(l.Took.Seconds())
		modelBytesGauge.Set(float64(l.Bytes))
		loadMillis.Update(ctx, l.Took.Milliseconds())
		modelBytes.Update(ctx, int64(l.Bytes))
	}
}

// count keeps the metrics that follow from events. A launcher whose workers are other
// processes has these alone.
func count(e Event) {
	switch {
	case e.Kind == Finished && e.Outcome != nil && e.Outcome.Done != nil:
		countDone(e.Outcome.Done)
	case e.Kind == Failed && e.Outcome != nil && e.Outcome.Failed != nil:
		f := e.Outcome.Failed
		requestsTotal.WithLabelValues(string(f.Family), "failed").Inc()
		failuresTotal.WithLabelValues(f.Stage, f.Kind).Inc()
	}
}

func countDone(r *report.Result) {
	if r.Skipped {
		requestsTotal.WithLabelValues(string(r.Family), "skipped").Inc()
		return
	}
	requestsTotal.WithLabelValues(string(r.Family), "done").Inc()
	tokensTotal.WithLabelValues(string(r.Family)).Add(float64(r.Drawn))
}
