package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/atomicfile"
)

type profileReport struct {
	Device  string          `json:"device"`
	Width   int             `json:"width"`
	Threads int             `json:"threads,omitempty"`
	Model   string          `json:"model"`
	Batch   int             `json:"batch"`
	Tokens  int             `json:"tokens"`
	Wall    time.Duration   `json:"wall_ns"`
	Kernel  time.Duration   `json:"kernel_ns"` // of all kernels
	ByClock bool            `json:"by_clock"`
	Roof    roof            `json:"roof"`
	Kernels []profileKernel `json:"kernels"`
}

type profileKernel struct {
	gpu.KernelTime
	Share       float64 `json:"share"` // fraction of the kernels' time
	ShareOfRoof float64 `json:"share_of_roof"`
	Bound       string  `json:"bound"` // the nearer roof
}

func (r *profileReport) fill(kernels []gpu.KernelTime) {
	for _, k := range kernels {
		r.Kernel += k.Time
	}
	for _, k := range kernels {
		of, bound := r.Roof.share(k.Work, k.Time.Seconds())
		r.Kernels = append(r.Kernels, profileKernel{k, k.Time.Seconds() / max(r.Kernel.Seconds(), 1e-9), of, bound})
	}
}

// together sums the details of each kernel.
func together(kernels []gpu.KernelTime) []gpu.KernelTime {
	at := map[string]int{}
	var out []gpu.KernelTime
	for _, k := range kernels {
		i, ok := at[k.Kernel]
		if !ok {
			i, at[k.Kernel] = len(out), len(out)
			out = append(out, gpu.KernelTime{Kernel: k.Kernel})
		}
		o := &out[i]
		o.Calls, o.Time = o.Calls+k.Calls, o.Time+k.Time
		o.Work.Flops, o.Work.Bytes = o.Work.Flops+k.Work.Flops, o.Work.Bytes+k.Work.Bytes
	}
	slices.SortStableFunc(out, func(a, b gpu.KernelTime) int { return cmp.Compare(b.Time, a.Time) })
	return out
}

func (r *profileReport) print(t terminal, asJSON bool) error {
	if asJSON {
		return printJSON(t, r)
	}
	how := "the device's clock"
	if !r.ByClock {
		how = "a submit an operation, which is in each time"
	}
	threads := ""
	if r.Threads > 0 {
		threads = fmt.Sprintf(", threads %d", r.Threads)
	}
	fmt.Fprintf(t.out, "%s, width %d%s; %s, %d at once\n", r.Device, r.Width, threads, r.Model, r.Batch)
	fmt.Fprintf(t.out, "%d positions in %.2f s: kernels %.2f s by %s\n", r.Tokens, r.Wall.Seconds(), r.Kernel.Seconds(), how)
	fmt.Fprintf(t.out, "roof: copies %.1f GB/s, matrix product %.1f GFLOP/s\n\n", r.Roof.BytesPerSecond/1e9, r.Roof.FlopsPerSecond/1e9)
	return r.table(t.out)
}

func (r *profileReport) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "CALLS\tTIME ms\tSHARE\tus A CALL\tMB\tMFLOP\tGB/s\tGFLOP/s\tOF ROOF\tNEARER TO\t  KERNEL")
	for _, k := range r.Kernels {
		s := max(k.Time.Seconds(), 1e-9)
		bytes, flops := float64(k.Work.Bytes), float64(k.Work.Flops)
		fmt.Fprintf(w, "%d\t%.1f\t%.1f%%\t%s\t%s\t%s\t%s\t%s\t%.0f%%\t%s\t  %s\n", k.Calls, 1e3*s, 100*k.Share, figure(1e6*s/float64(max(k.Calls, 1))),
			figure(bytes/1e6), figure(flops/1e6), figure(bytes/s/1e9), figure(flops/s/1e9), 100*k.ShareOfRoof, k.Bound, strings.TrimSpace(k.Kernel+" "+k.Detail))
	}
	return w.Flush()
}

// figure formats three significant digits; 0 is a dash.
func figure(x float64) string {
	switch {
	case x == 0:
		return "-"
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	case x >= 1:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.3f", x)
}

// traceEvent is a complete event of the Trace Event Format, which Perfetto and
// Chrome's about:tracing read; times are in microseconds.
type traceEvent struct {
	Name  string         `json:"name"`
	Phase string         `json:"ph"`
	Start float64        `json:"ts"`
	Took  float64        `json:"dur"`
	PID   int            `json:"pid"`
	TID   int            `json:"tid"`
	Args  map[string]any `json:"args"`
}

// writeTrace writes one event per call, with its rates and its fraction of the
// roof.
func writeTrace(path, device string, of roof, spans []gpu.Span) error {
	events := []traceEvent{{Name: "process_name", Phase: "M", Args: map[string]any{"name": device}}}
	for _, s := range spans {
		share, bound := of.share(s.Work, s.Took.Seconds())
		args := map[string]any{"bytes": s.Work.Bytes, "flops": s.Work.Flops, "of roof": share, "nearer to": bound}
		if s.Detail != "" {
			args["detail"] = s.Detail
		}
		if n := float64(s.Took.Nanoseconds()); n > 0 {
			args["GB/s"], args["GFLOP/s"] = float64(s.Work.Bytes)/n, float64(s.Work.Flops)/n
		}
		events = append(events, traceEvent{Name: s.Kernel, Phase: "X", Start: float64(s.Start) / 1e3, Took: float64(s.Took) / 1e3, Args: args})
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		return json.NewEncoder(w).Encode(map[string]any{"traceEvents": events, "displayTimeUnit": "ns"})
	})
}
