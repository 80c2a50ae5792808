package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/transforms/request"
)

// complete completes a flag's value from words.
func complete(c *cobra.Command, flag string, words ...string) {
	must(c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
}

// completeFolders completes flags' values with folders.
func completeFolders(f *pflag.FlagSet, flags ...string) {
	for _, name := range flags {
		must(cobra.MarkFlagDirname(f, name))
	}
}

// must panics if a completed flag does not exist.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// completeDevice completes the flags that add adds.
func completeDevice(c *cobra.Command) {
	complete(c, "subgroup", "auto", "4", "8", "16", "32", "64")
	complete(c, "threads", "auto")
	must(c.RegisterFlagCompletionFunc("device", deviceNames))
}

// deviceNames lists the values of --device on this machine, with the devices'
// names.
func deviceNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	names := []string{"auto"}
	list, err := gpu.List()
	if err != nil {
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	for _, d := range list {
		names = append(names, fmt.Sprintf("%d\t%s", d.Index, d.Name))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeMeshFlags completes the names of limits.
func completeMeshFlags(c *cobra.Command) {
	var names []string
	for _, name := range limit.All {
		names = append(names, string(name)+"=")
	}
	must(c.RegisterFlagCompletionFunc("mesh-limit", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace)))
}

// completeReading completes the flags for reading inputs, for choosing a method and for
// coding faces.
func completeReading(c *cobra.Command, f *pflag.FlagSet) {
	if f.Lookup("fit") != nil {
		complete(c, "fit", "crop", "letterbox")
	}
	if f.Lookup("mesh-limit") != nil {
		completeMeshFlags(c)
	}
	if f.Lookup("method") != nil {
		complete(c, "method", texts(request.Methods)...)
	}
	if f.Lookup("coding") != nil {
		complete(c, "coding", sequence.Names()...)
	}
}
