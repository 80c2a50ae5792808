package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"

	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/pipelines"
)

// needs lists the runners of --runner with Beam's flags that each cannot do
// without; Beam's own complaint comes minutes later or not at all.
var needs = map[string][]string{
	"direct":    nil,
	"prism":     nil,
	"universal": {"endpoint"},
	"flink":     {"endpoint"},
	"dataflow":  {"project", "region", "staging_location"},
}

// checkRunner returns an error for wrong use if the runner is not known or lacks
// a flag.
func checkRunner(f *pflag.FlagSet, name, runner string) error {
	required, known := needs[runner]
	if !known {
		return usagef(name, "%s: no runner %q: direct, prism, universal, flink or dataflow", name, runner)
	}
	var missing []string
	for _, flag := range required {
		if f.Lookup(flag).Value.String() == "" {
			missing = append(missing, "--"+flag)
		}
	}
	if len(missing) > 0 {
		return usagef("beam", "%s: --runner %s needs %s", name, runner, strings.Join(missing, ", "))
	}
	return nil
}

// chooseWorkers replaces defaults of Beam that cannot work. Without an environment
// Beam takes Docker and its own image, which lacks FFmpeg and Vulkan. Without a worker
// binary it builds one without cgo. Here a Prism beside us gets this process, and
// every other runner this binary.
func chooseWorkers(f *pflag.FlagSet, runner string) error {
	local := runner == "prism" || runner == "universal"
	if local && *jobopts.Endpoint != "" && *jobopts.EnvironmentType == "" {
		if err := f.Set("environment_type", "LOOPBACK"); err != nil {
			return err
		}
	}
	if *jobopts.WorkerBinary != "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return f.Set("worker_binary", self)
}

// reach reports an endpoint where nobody listens: Beam tries for two minutes.
func (o *options) reach() error {
	if *jobopts.Endpoint == "" {
		return nil
	}
	c, err := net.DialTimeout("tcp", *jobopts.Endpoint, 10*time.Second)
	if err != nil {
		return usagef("beam", "%s: --endpoint %s: nobody answers: %v", o.name, *jobopts.Endpoint, err)
	}
	return c.Close()
}

// absolute makes a job's paths mean the same in a worker that runs in another
// folder.
func absolute(job *pipelines.Job) (err error) {
	paths := []*string{&job.Settings.Out, &job.Settings.Spec.Dir}
	for i := range job.Requests {
		paths = append(paths, job.Requests[i].Paths()...)
	}
	for _, p := range paths {
		if *p == "" {
			continue
		}
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	return nil
}
