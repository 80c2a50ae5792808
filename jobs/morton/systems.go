package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	_ "github.com/morton-gen/morton/models" // registers the systems
	"github.com/morton-gen/morton/models/system"
)

// systemLine is one system that this build can open.
type systemLine struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Makes   string   `json:"makes"`
	Papers  []string `json:"papers"` // arXiv numbers
	Trained bool     `json:"trained_here"`
}

func systemsCommand(t terminal) *cobra.Command {
	c := newCommand("systems", "systems")
	asJSON := c.Flags().Bool("json", false, "print JSON")
	c.Args = noWords
	c.RunE = func(*cobra.Command, []string) error {
		if *asJSON {
			return printJSON(t, listSystems())
		}
		return printSystems(t.out, listSystems())
	}
	return c
}

// listSystems returns our own systems, then the published ones by name.
func listSystems() (all []systemLine) {
	for _, p := range system.All() {
		all = append(all, systemLine{p.Name, p.Title, p.Kind, append([]string{p.Paper}, p.Papers...), p.Own})
	}
	return all
}

func printSystems(out io.Writer, all []systemLine) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTITLE\tMAKES\tWEIGHTS\tPAPER")
	for _, s := range all {
		weights := "yours"
		if s.Trained {
			weights = "shipped, trained here"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\tarXiv:%s\n", s.Name, s.Title, s.Makes, weights, s.Papers[0])
	}
	return w.Flush()
}
