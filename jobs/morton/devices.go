package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"text/tabwriter"

	"github.com/morton-gen/morton/gpu"
)

func runDevices(ctx context.Context, t terminal, args []string) error {
	f := newFlags("devices")
	asJSON := f.Bool("json", false, "")
	f.Func("subgroup", "", setSubgroup)
	words, err := f.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return runHelp(ctx, t, []string{"devices"})
	case err != nil:
		return err
	case len(words) > 0:
		return usagef("devices", "devices: unexpected %q", words[0])
	}
	list, err := gpu.List()
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		return e.Encode(list)
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tNAME\tTYPE\tMEMORY\tWIDTH\tVULKAN\tDRIVER\tUSABLE")
	for _, d := range list {
		usable := "yes"
		if d.Problem != "" {
			usable = "no: " + d.Problem
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Index, d.Name, d.Type, bytesText(int64(d.MemoryBytes)), widthText(d), d.API, d.Driver, usable)
	}
	return w.Flush()
}

// widthText is the kernels' width, and the range where there is one.
func widthText(d gpu.Info) string {
	if d.SubgroupMin == d.SubgroupMax {
		return fmt.Sprint(d.Width)
	}
	return fmt.Sprintf("%d (%d to %d)", d.Width, d.SubgroupMin, d.SubgroupMax)
}
