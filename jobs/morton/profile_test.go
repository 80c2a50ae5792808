package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

func TestProfileWrongUse(t *testing.T) {
	for line, want := range map[string]string{
		"profile": "--system", "profile --system qaud": "did you mean quad?", "profile --system quad --batch 0": "--batch", "profile --system quad x": `"x"`,
	} {
		if code, out, errs := morton(strings.Fields(line)...); code != exitUsage || !strings.Contains(errs, want) || out != "" {
			t.Errorf("morton %s: exit %d, %q", line, code, errs)
		}
	}
}

// TestProfile profiles the shipped quad model: the parts make the whole, and the
// trace has every call.
func TestProfile(t *testing.T) {
	gputest.Open(t, gpu.Options{}) // or skip
	trace := filepath.Join(t.TempDir(), "trace.json")
	code, out, errs := morton("profile", "--system", "quad", "--batch", "2", "--shapes", "--json", "--trace", trace)
	if code != exitDone {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	var r profileReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	calls, share := 0, 0.0
	for _, k := range r.Kernels {
		calls, share = calls+k.Calls, share+k.Share
		if k.Calls < 1 || k.Work.Bytes < 4 || k.Time < 0 || (k.Detail == "") == strings.HasPrefix(k.Kernel, "matmul/") {
			t.Errorf("%+v", k)
		}
	}
	if r.Tokens < 10 || r.Kernel <= 0 || r.Kernel > r.Wall || share < 0.999 || share > 1.001 || r.Roof.BytesPerSecond < 1e8 || r.Roof.FlopsPerSecond < 1e8 {
		t.Errorf("%+v", r)
	}
	data, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ TraceEvents []traceEvent }
	if err := json.Unmarshal(data, &file); err != nil || len(file.TraceEvents) != calls+1 {
		t.Errorf("%d events of %d calls, error %v", len(file.TraceEvents), calls, err)
	}
}

func TestRoofShare(t *testing.T) {
	r := roof{BytesPerSecond: 100, FlopsPerSecond: 1000}
	for _, c := range []struct {
		work    gpu.Work
		seconds float64
		want    float64
		bound   string
	}{
		{gpu.Work{Bytes: 50}, 1, 0.5, "memory"},
		{gpu.Work{Bytes: 50, Flops: 900}, 1, 0.9, "arithmetic"},
		{gpu.Work{Bytes: 50}, 2, 0.25, "memory"},
		{gpu.Work{Bytes: 50}, 0, 0, "-"},
	} {
		if got, bound := r.share(c.work, c.seconds); got != c.want || bound != c.bound {
			t.Errorf("%+v in %g s: %g of %s, want %g of %s", c.work, c.seconds, got, bound, c.want, c.bound)
		}
	}
}

func TestTogether(t *testing.T) {
	got := together([]gpu.KernelTime{
		{Kernel: "a", Detail: "x", Calls: 1, Time: 5, Work: gpu.Work{Flops: 1, Bytes: 2}},
		{Kernel: "b", Calls: 9, Time: 4},
		{Kernel: "a", Detail: "y", Calls: 2, Time: 3, Work: gpu.Work{Flops: 10, Bytes: 20}},
		{Kernel: "c", Time: 1},
		{Kernel: "c", Detail: "z", Time: 4},
	})
	want := []gpu.KernelTime{{Kernel: "a", Calls: 3, Time: 8, Work: gpu.Work{Flops: 11, Bytes: 22}}, {Kernel: "c", Time: 5}, {Kernel: "b", Calls: 9, Time: 4}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestFigure(t *testing.T) {
	for x, want := range map[float64]string{0: "-", 0.0123: "0.012", 1.234: "1.23", 12.34: "12.3", 1234.5: "1234"} {
		if got := figure(x); got != want {
			t.Errorf("%g is %s, want %s", x, got, want)
		}
	}
}
