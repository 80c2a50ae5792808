package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/atomicfile"
)

// profileReport is what profile prints.
type profileReport struct {
	Device  string          `json:"device"`
	Width   int             `json:"width"`
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
	Share       float64 `json:"share"` // of the kernels' time
	ShareOfRoof float64 `json:"share_of_roof"`
}

func (r *profileReport) fill(kernels []gpu.KernelTime) {
	for _, k := range kernels {
		r.Kernel += k.Time
	}
	for _, k := range kernels {
		r.Kernels = append(r.Kernels, profileKernel{k, k.Time.Seconds() / max(r.Kernel.Seconds(), 1e-9), r.Roof.share(k.Work, k.Time.Seconds())})
	}
}

func (r *profileReport) print(t terminal, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	how := "the device's clock"
	if !r.ByClock {
		how = "a submit an operation, which is in each time"
	}
	fmt.Fprintf(t.out, "%s, width %d; %s, %d at once\n", r.Device, r.Width, r.Model, r.Batch)
	fmt.Fprintf(t.out, "%d positions in %.2f s: kernels %.2f s by %s\n", r.Tokens, r.Wall.Seconds(), r.Kernel.Seconds(), how)
	fmt.Fprintf(t.out, "roof: copies %.1f GB/s, matrix product %.1f GFLOP/s\n\n", r.Roof.BytesPerSecond/1e9, r.Roof.FlopsPerSecond/1e9)
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "CALLS\tTIME ms\tSHARE\tMB\tMFLOP\tGB/s\tGFLOP/s\tOF ROOF\t  KERNEL")
	for _, k := range r.Kernels {
		s := max(k.Time.Seconds(), 1e-9)
		flops, rate := "-", "-"
		if k.Work.Flops > 0 {
			flops, rate = fmt.Sprintf("%.1f", float64(k.Work.Flops)/1e6), fmt.Sprintf("%.1f", float64(k.Work.Flops)/s/1e9)
		}
		fmt.Fprintf(w, "%d\t%.1f\t%.1f%%\t%.1f\t%s\t%.1f\t%s\t%.0f%%\t  %s\n", k.Calls, 1e3*s, 100*k.Share, float64(k.Work.Bytes)/1e6, flops, float64(k.Work.Bytes)/s/1e9, rate, 100*k.ShareOfRoof, k.Kernel)
	}
	return w.Flush()
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

func writeTrace(path, device string, spans []gpu.Span) error {
	events := []traceEvent{{Name: "process_name", Phase: "M", Args: map[string]any{"name": device}}}
	for _, s := range spans {
		events = append(events, traceEvent{
			Name: s.Kernel, Phase: "X", Start: float64(s.Start) / 1e3, Took: float64(s.Took) / 1e3,
			Args: map[string]any{"bytes": s.Work.Bytes, "flops": s.Work.Flops},
		})
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		return json.NewEncoder(w).Encode(map[string]any{"traceEvents": events, "displayTimeUnit": "ns"})
	})
}
