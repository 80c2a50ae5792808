package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand(t terminal) *cobra.Command {
	c := newCommand("version", "version")
	c.Args = noWords
	c.RunE = func(*cobra.Command, []string) error {
		_, err := fmt.Fprintln(t.out, version())
		return err
	}
	return c
}

// version returns the version of this build.
func version() string {
	version, revision := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value[:min(len(s.Value), 12)]
			}
		}
	}
	return fmt.Sprintf("morton %s%s, %s, %s/%s", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
