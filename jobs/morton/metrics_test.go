package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

// scraped is a mirror that reads the metrics of its process while it generates.
type scraped struct {
	mirror
	url string

	mu    sync.Mutex
	texts []string
}

func (s *scraped) Generate(ctx context.Context, r request.Request, in family.Media) (*family.Result, error) {
	answer, err := http.Get(s.url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.texts = append(s.texts, string(text))
	s.mu.Unlock()
	return s.mirror.Generate(ctx, r, in)
}

// TestMetricsInsideABundle reads metrics while a run goes on: one bundle of one worker. The
// numbers move within it.
func TestMetricsInsideABundle(t *testing.T) {
	free, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	free.Close()
	model := &scraped{url: "http://" + addr + "/metrics"}
	withQuads(t, func(func() (*gpu.Device, error), family.Spec) (family.Model, error) { return model, nil })
	args := []string{
		"generate", "quads", "missing.obj", "../../testdata/mesh/cc-0_c*.obj", "--out", t.TempDir(), "--model", t.Name(), "--in-flight", "1", "--metrics-addr", addr,
	}
	code, out, errs := morton(args...)
	if code != exitFailed || !strings.Contains(errs, "morton: metrics at http://"+addr+"/metrics") || len(model.texts) < 3 {
		t.Fatalf("exit %d, %d texts\n%s%s", code, len(model.texts), out, errs)
	}
	first, last := model.texts[0], model.texts[len(model.texts)-1]
	for sample, want := range map[string]float64{
		`morton_requests_total{family="quads",outcome="done"}`:    float64(len(model.texts) - 1),
		`morton_tokens_total{family="quads"}`:                     float64(len(model.texts) - 1),
		`morton_stage_seconds_count{stage="generate"}`:            float64(len(model.texts) - 1),
		`morton_stage_seconds_count{stage="write"}`:               float64(len(model.texts) - 1),
		`morton_queue_wait_seconds_count`:                         float64(len(model.texts) - 1),
		`morton_in_flight`:                                        0,
		`morton_failures_total{kind="not_found",stage="decode"}`:  0, // it came first
		`morton_requests_total{family="quads",outcome="skipped"}`: 0,
	} {
		if got := valueOf(t, last, sample) - valueOf(t, first, sample); got != want {
			t.Errorf("%s: grew by %v between the first and the last, want %v", sample, got, want)
		}
	}
	for _, sample := range []string{"morton_read_bytes_total", "morton_written_bytes_total"} {
		if got := valueOf(t, last, sample) - valueOf(t, first, sample); got < 1000 {
			t.Errorf("%s: grew by %v", sample, got)
		}
	}
	for sample, least := range map[string]float64{
		"morton_in_flight": 1, `morton_failures_total{kind="not_found",stage="decode"}`: 1, "morton_model_load_seconds_count": 1,
	} {
		if got := valueOf(t, first, sample); got < least {
			t.Errorf("%s: %v, want %v at least", sample, got, least)
		}
	}
	if _, err := http.Get(model.url); err == nil {
		t.Error("metrics are served behind the run")
	}
}

// valueOf returns the value of a sample, 0 if there is none yet.
func valueOf(t *testing.T, text, sample string) float64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(sample) + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
