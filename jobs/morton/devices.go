package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/transforms/family"
)

// deviceLine is one device with its measurements.
type deviceLine struct {
	gpu.Info
	Roof  *roof  `json:"roof,omitempty"`
	Rates *rates `json:"rates,omitempty"`
}

func devicesCommand(t terminal) *cobra.Command {
	c := newCommand("devices", "devices")
	var o gpu.Options
	var threads threadsFlag
	f := c.Flags()
	f.Func("subgroup", "use the subgroup `WIDTH`, as MORTON_SUBGROUP does: auto, 4, 8, 16, 32 or 64", func(text string) error {
		return errors.Join(new(widthFlag).Set(text), os.Setenv("MORTON_SUBGROUP", text))
	})
	measure := f.Bool("measure", false, "measure how fast each usable device copies and multiplies matrices")
	f.StringVar(&o.Device, "device", "", "only the device that other commands choose for `NAME`")
	f.Var(&threads, "threads", "measure a CPU device with `N` threads")
	asJSON := f.Bool("json", false, "print JSON")
	completeDevice(c)
	c.Args = noWords
	c.RunE = func(*cobra.Command, []string) error {
		o.Threads = int(threads)
		list, err := listDevices(o, *measure)
		switch {
		case err != nil:
			return err
		case *asJSON:
			return printJSON(t, list)
		}
		return printDevices(t.out, list)
	}
	return c
}

// listDevices lists all devices, or the one that --device selects.
func listDevices(o gpu.Options, measure bool) ([]deviceLine, error) {
	if o.Device != "" {
		line, err := lookAt(o, measure)
		return []deviceLine{line}, err
	}
	infos, err := gpu.List()
	if err != nil {
		return nil, err
	}
	var list []deviceLine
	for _, i := range infos {
		line := deviceLine{Info: i}
		if measure && i.Problem == "" {
			o.Device = strconv.Itoa(i.Index)
			if line, err = lookAt(o, true); err != nil {
				return nil, err
			}
		}
		list = append(list, line)
	}
	return list, nil
}

func lookAt(o gpu.Options, measure bool) (deviceLine, error) {
	dev, err := family.OpenDevice(o)
	if err != nil {
		return deviceLine{}, err
	}
	defer dev.Close()
	line := deviceLine{Info: dev.Info()}
	if !measure {
		return line, nil
	}
	roof, err := measureRoof(dev)
	if err != nil {
		return line, err
	}
	rates, err := measureRates(dev)
	line.Roof, line.Rates = &roof, &rates
	return line, err
}

func printDevices(out io.Writer, list []deviceLine) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tNAME\tTYPE\tMEMORY\tWIDTH\tVULKAN\tDRIVER\tUSABLE")
	for _, d := range list {
		usable := "yes"
		if d.Problem != "" {
			usable = "no: it lacks " + d.Problem
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Index, d.Name, d.Type, bytesText(int64(d.MemoryBytes)), widthText(d.Info), d.API, d.Driver, usable)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, d := range list {
		printDevice(out, d)
	}
	if dir := gpu.CacheDir(); dir != "" {
		fmt.Fprintf(out, "\ncompiled pipelines: %s\n", dir)
	} else {
		fmt.Fprint(out, "\ncompiled pipelines are not kept\n")
	}
	return nil
}

// printDevice prints what does not fit in a column.
func printDevice(out io.Writer, d deviceLine) {
	way := "through staging windows"
	if d.HostVisible {
		way = "in place"
	}
	fmt.Fprintf(out, "\n%d  has %s\n   limits: %s an allocation, %s shared and %d threads a workgroup; the host writes tensors %s\n",
		d.Index, d.Features, bytesText(int64(min(d.AllocationBytes, 1<<62))), bytesText(int64(d.SharedBytes)), d.WorkgroupThreads, way)
	if d.Problem == "" {
		fmt.Fprintf(out, "   kernels: width %d; %s\n", d.Width, kernelsText(d.Info))
	}
	if d.Threads > 0 {
		fmt.Fprintf(out, "   threads: %s\n", threadsText(d.Threads))
	}
	if d.Roof != nil {
		fmt.Fprintf(out, "   measured: copies %.1f GB/s, matrix product %.1f GFLOP/s\n", d.Roof.BytesPerSecond/1e9, d.Roof.FlopsPerSecond/1e9)
	}
	if r := d.Rates; r != nil {
		fmt.Fprintf(out, "   with f16 weights: 1 row %.1f, 8 rows %.1f, 32 rows %.1f GFLOP/s\n", r.Row/1e9, r.Rows8/1e9, r.Rows32/1e9)
	}
}

// kernelsText names the kernel variants in use on a device.
func kernelsText(d gpu.Info) string {
	coop := "coop " + d.CoopMatrix.String() + " where a product asks for cooperative matrices"
	if d.NoCoopMatrix != "" {
		coop = "no cooperative matrices: missing " + d.NoCoopMatrix
	}
	return fmt.Sprintf("products by %s; attention over a cache by %s\n   %s", matmul.Kernels(d), attention.CachedKernel(d), coop)
}

// threadsText is the number of threads of a CPU device.
func threadsText(n int) string {
	switch {
	case os.Getenv("LP_NUM_THREADS") != "":
		return fmt.Sprintf("%d, by LP_NUM_THREADS; --threads overrides it", n)
	case n == 1:
		return "1"
	}
	return fmt.Sprintf("%d, and 1 for a network whose operations are too small to share; --threads overrides it", n)
}

// widthText is the subgroup width, with its range if there is one.
func widthText(d gpu.Info) string {
	if d.SubgroupMin == d.SubgroupMax {
		return fmt.Sprint(d.SubgroupMin)
	}
	return fmt.Sprintf("%d of %d to %d", d.Width, d.SubgroupMin, d.SubgroupMax)
}
