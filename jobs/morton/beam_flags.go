package main

import (
	"flag"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	// File systems and runners register themselves and their flags. These are the ones
	// of package beamx that --runner accepts; the others take 11 s to compile.
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/gcs"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/dataflow"
	//lint:ignore SA1019 Prism listens on every interface, and the local default must open no port
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/direct"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/flink"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal"
)

// addBeam adds Beam's flags to a command. Its help leaves them to the topic "beam".
// On equal names our flag wins.
func addBeam(f *pflag.FlagSet) {
	for _, g := range beamFlags() {
		if f.Lookup(g.Name) == nil {
			addBeamFlag(f, g).Hidden = g.Name != "runner"
		}
	}
}

// addBeamFlag adds a flag with its default, which an earlier run in this process may have
// changed.
func addBeamFlag(f *pflag.FlagSet, g *flag.Flag) *pflag.Flag {
	f.AddGoFlag(g)
	added := f.Lookup(g.Name)
	if added.DefValue = g.DefValue; g.DefValue == "0" {
		added.DefValue = "" // the help omits empty defaults
	}
	return added
}

// beamFlags returns Beam's registered flags, without those that boot code
// passes to a worker and those of package testing.
func beamFlags() []*flag.Flag {
	hidden := map[string]bool{
		"worker": true, "id": true, "logging_endpoint": true, "control_endpoint": true, "semi_persist_dir": true, "options": true,
	}
	var all []*flag.Flag
	flag.VisitAll(func(g *flag.Flag) {
		if hidden[g.Name] || strings.HasPrefix(g.Name, "test.") {
			return
		}
		ours := *g
		ours.Value = beamFlag{g}
		ours.Usage = firstLine(strings.ReplaceAll(g.Usage, "`", "'"))
		if g.Name == "runner" {
			ours.Usage = "run on `NAME`: direct (default), prism, universal, flink or dataflow; for Beam's flags see morton help beam"
		}
		all = append(all, &ours)
	})
	return all
}

// beamFlag sets a flag of Beam's where Beam looks: only those set in the global
// set travel to the workers.
type beamFlag struct{ *flag.Flag }

func (b beamFlag) Set(s string) error { return flag.Set(b.Name, s) }
func (b beamFlag) String() string     { return b.Value.String() }

// Type is the name of a value in the help.
func (b beamFlag) Type() string {
	if b.IsBoolFlag() {
		return "bool"
	}
	return "value"
}

// IsBoolFlag lets a flag stand without a value, as Beam's own set does.
func (b beamFlag) IsBoolFlag() bool {
	v, ok := b.Value.(interface{ IsBoolFlag() bool })
	return ok && v.IsBoolFlag()
}

// beamTopic is no command: it is the help on Beam's flags.
func beamTopic() *cobra.Command {
	c := newCommand("beam", "beam")
	for _, g := range beamFlags() {
		addBeamFlag(c.Flags(), g)
	}
	return c
}
