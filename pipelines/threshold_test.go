package pipelines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// bare is a model whose results have tokens and no media, so that many are quick.
type bare struct{ *echo }

func (bare) Decode(_ context.Context, r request.Request) (family.Media, error) {
	_, err := os.Stat(r.Input)
	return family.Media{}, err
}

// mixed returns a job of n requests for bare: every fifth one's file is missing.
func mixed(t *testing.T, n int) Job {
	t.Helper()
	family.Register(request.Quads, func(func() (*gpu.Device, error), family.Spec) (family.Model, error) {
		return bare{newEcho(shard.KindQuad)}, nil
	})
	j := job(t, request.Quads, nil)
	for i := range n {
		r := request.Request{ID: fmt.Sprintf("%03d", i), Family: request.Quads, Input: "threshold_test.go"}
		if i%5 == 4 {
			r.Input = "missing.obj"
		}
		j.Requests = append(j.Requests, r)
	}
	return j
}

// TestTooManyFailed checks when a run stops, and that it keeps all it did.
func TestTooManyFailed(t *testing.T) {
	for _, c := range []struct {
		limit   string
		n       int
		failed  bool // the run
		stopped bool
	}{
		{"", 60, false, false},
		{"12", 60, false, false},
		{"3", 60, true, true},
		{"0", 60, true, true},
		{"50%", 60, false, false},
		{"10%", 60, true, true},
		{"10%", 10, true, false}, // too few to stop for
	} {
		for _, runner := range []string{"direct", "prism"} {
			t.Run(fmt.Sprintf("%s of %d/%s", c.limit, c.n, runner), func(t *testing.T) {
				j := mixed(t, c.n)
				j.Runner, j.Workers, j.Settings.InFlight = runner, 2, 2
				if err := j.Settings.MaxFailed.UnmarshalText([]byte(c.limit)); err != nil {
					t.Fatal(err)
				}
				s, err := Generate(context.Background(), j)
				if errors.Is(err, ErrTooManyFailed) != c.failed || err != nil && !c.failed {
					t.Fatalf("error %v", err)
				}
				if s.Unreached > 0 != c.stopped || s.Complete == c.stopped || s.Done+s.Failed+s.Unreached != c.n {
					t.Errorf("%+v", s)
				}
				checkKept(t, j.Settings.Out, s)
			})
		}
	}
}

// checkKept compares what stands in a run's folder with its summary.
func checkKept(t *testing.T, dir string, s report.Summary) {
	t.Helper()
	results, err := report.ReadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	failures, err := report.ReadFailures(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != s.Done || len(failures) != s.Failed {
		t.Errorf("%d results and %d failures stand there: %+v", len(results), len(failures), s)
	}
	page, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Failed > 0 && !strings.Contains(string(page), "missing.obj") {
		t.Error("the page shows no failure")
	}
	for _, r := range results {
		if !strings.Contains(string(page), r.ID) {
			t.Errorf("the page lacks %s", r.ID)
		}
	}
}

// TestStoppedRunGoesOn checks that what a stopped run did is not done again.
func TestStoppedRunGoesOn(t *testing.T) {
	j := mixed(t, 40)
	if err := j.Settings.MaxFailed.UnmarshalText([]byte("2")); err != nil {
		t.Fatal(err)
	}
	first, err := Generate(context.Background(), j)
	if !errors.Is(err, ErrTooManyFailed) || first.Done == 0 {
		t.Fatalf("%+v: error %v", first, err)
	}
	j.Settings.MaxFailed = report.Threshold{}
	s, err := Generate(context.Background(), j)
	if err != nil || s.Skipped != first.Done || s.Done != 32 || s.Failed != 8 || !s.Complete {
		t.Fatalf("%+v after %+v: error %v", s, first, err)
	}
}
