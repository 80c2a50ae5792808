package main

import (
	"fmt"
	"strconv"

	"github.com/morton-gen/morton/mesh/limit"
)

// addMeshFlags adds the flags of every command that reads mesh files: the limits,
// one at a time, and which scene of a glTF file, nil for its default.
func addMeshFlags(f *flagSet, limits *limit.Limits, scene **int) {
	f.Var(limits, "mesh-limit", "")
	f.Var(sceneFlag{scene}, "scene", "")
}

// sceneFlag is a number from 0, which may be left out.
type sceneFlag struct{ to **int }

func (s sceneFlag) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return fmt.Errorf("scenes are counted from 0, and %q is none", text)
	}
	*s.to = &n
	return nil
}

func (s sceneFlag) String() string {
	if s.to == nil || *s.to == nil {
		return ""
	}
	return strconv.Itoa(**s.to)
}
