package main

import (
	"slices"
	"strings"
)

// needs lists the runners of --runner with Beam's flags that each cannot do
// without; Beam's own complaint comes minutes later or not at all.
var needs = map[string][]string{
	"direct":   nil,
	"prism":    nil,
	"flink":    {"endpoint"},
	"dataflow": {"project", "region", "staging_location"},
}

// checkRunner returns an error for wrong use if the runner is not known or lacks
// a flag.
func checkRunner(f *flagSet, runner string) error {
	required, known := needs[runner]
	if !known {
		return usagef(f.Name(), "%s: no runner %q: direct, prism, flink or dataflow", f.Name(), runner)
	}
	var missing []string
	for _, name := range required {
		if f.Lookup(name).Value.String() == "" {
			missing = append(missing, "--"+name)
		}
	}
	if len(missing) > 0 {
		return usagef("beam", "%s: --runner %s needs %s", f.Name(), runner, strings.Join(missing, ", "))
	}
	return nil
}

// inProcess reports whether a runner's workers are this process, so that it can
// look at the model beforehand and see each item's end.
func inProcess(runner string) bool { return slices.Contains([]string{"direct", "prism"}, runner) }
