package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/mesh/limit"
)

// addMeshFlags adds the flags for reading mesh files: the limits, and the scene of a
// glTF file. A nil scene means the file's default.
func addMeshFlags(f *pflag.FlagSet, limits *limit.Limits, scene **int) {
	f.Func("scene", "of a glTF file, read scene `N`, counted from 0, instead of its default scene", func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return fmt.Errorf("no scene %q: scenes are counted from 0", text)
		}
		*scene = &n
		return nil
	})
	f.Func("mesh-limit", "raise a limit that an error names, such as `NAME=N`; may be given again: see morton help generate shape", limits.Set)
}
