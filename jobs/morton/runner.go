package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"

	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/pipelines/jobserver"
)

// needs lists the runners of --runner with the Beam flags each requires. Beam's
// own error comes minutes later or not at all.
var needs = map[string][]string{
	"direct":    nil,
	"prism":     nil,
	"universal": {"endpoint"},
	"flink":     {"endpoint"},
	"dataflow":  {"project", "region", "staging_location", "sdk_container_image"}, // Beam's image lacks FFmpeg and Vulkan
}

// checkRunner returns a wrong-use error if the runner is unknown or lacks a
// flag.
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

// chooseWorkers replaces Beam defaults that cannot work. Without a worker binary Beam
// would build one without cgo, so runners get this binary, which is boot code too. A
// local Prism uses this process.
func chooseWorkers(f *pflag.FlagSet, runner string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	local := runner == "prism" || runner == "universal"
	if local && *jobopts.Endpoint != "" && *jobopts.EnvironmentType == "" {
		if err := f.Set("environment_type", "LOOPBACK"); err != nil {
			return err
		}
	}
	if strings.EqualFold(*jobopts.EnvironmentType, "PROCESS") && *jobopts.EnvironmentConfig == "" {
		config, err := json.Marshal(map[string]string{"command": self})
		if err != nil {
			return err
		}
		if err := f.Set("environment_config", string(config)); err != nil {
			return err
		}
	}
	if *jobopts.WorkerBinary != "" {
		return nil
	}
	return f.Set("worker_binary", self)
}

// checkWorkers returns what a remote runner lacks to find workers. Beam's default
// is Docker with its own image, which has neither FFmpeg nor Vulkan.
func (o *options) checkWorkers() error {
	kind, config, runner := strings.ToUpper(*jobopts.EnvironmentType), *jobopts.EnvironmentConfig, o.runner()
	job := o.job("", nil, time.Time{})
	here := job.InProcess()
	if err := o.checkHints(); err != nil {
		return err
	}
	switch {
	case *jobopts.Async:
		return o.usagef("--async is --detach here")
	case runner == "dataflow":
		return o.checkDataflow()
	case o.detach && (here || *jobopts.Endpoint == ""):
		return o.usagef("--detach: the work is done in this process; it is for --runner dataflow, or flink or universal with workers elsewhere")
	case runner == "direct" || here:
		return nil
	}
	switch {
	case kind == "":
		return usagef("beam", "%s: --runner %s needs --environment_type: EXTERNAL (a morton worker-pool), PROCESS, DOCKER or LOOPBACK", o.name, runner)
	case kind == "EXTERNAL" && config == "":
		return usagef("beam", "%s: --environment_type EXTERNAL needs --environment_config HOST:PORT, of a morton worker-pool beside each of the runner's workers", o.name)
	case kind == "DOCKER" && config == "":
		return usagef("beam", "%s: --environment_type DOCKER needs --environment_config IMAGE, with FFmpeg and Vulkan", o.name)
	case kind == "PROCESS" && !json.Valid([]byte(config)):
		return usagef("beam", `%s: --environment_config of PROCESS is JSON, such as {"command": "/usr/local/bin/morton"}`, o.name)
	case kind != "EXTERNAL" && kind != "DOCKER" && kind != "PROCESS":
		return usagef("beam", "%s: --environment_type is LOOPBACK, EXTERNAL, PROCESS or DOCKER", o.name)
	}
	return nil
}

// checkHints parses --resource_hints, which Beam does by panics.
func (o *options) checkHints() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = usagef("beam", "%s: --resource_hints: %v", o.name, p)
		}
	}()
	jobopts.GetPipelineResourceHints()
	return nil
}

// chosen are Dataflow's flags with few values, which Beam checks after all is staged.
var chosen = []struct {
	flag   string
	values []string
}{
	{"autoscaling_algorithm", []string{"NONE", "THROUGHPUT_BASED"}},
	{"flexrs_goal", []string{"FLEXRS_UNSPECIFIED", "FLEXRS_SPEED_OPTIMIZED", "FLEXRS_COST_OPTIMIZED"}},
}

// checkDataflow says what Dataflow's workers cannot do. They see nothing of this machine.
func (o *options) checkDataflow() error {
	for _, flag := range []string{"staging_location", "temp_location"} {
		if place := o.flags.Lookup(flag).Value.String(); place != "" && !strings.HasPrefix(place, "gs://") {
			return usagef("beam", "%s: --%s %s: dataflow takes a folder in gs://", o.name, flag, place)
		}
	}
	for _, c := range chosen {
		if value := o.flags.Lookup(c.flag).Value.String(); value != "" && !slices.Contains(c.values, value) {
			return usagef("beam", "%s: --%s %s: it is one of %s", o.name, c.flag, value, strings.Join(c.values, ", "))
		}
	}
	if text := o.flags.Lookup("labels").Value.String(); text != "" && json.Unmarshal([]byte(text), &map[string]string{}) != nil {
		return usagef("beam", `%s: --labels is JSON, such as {"team": "a"}`, o.name)
	}
	kind := strings.ToUpper(*jobopts.EnvironmentType)
	switch {
	case kind != "" && kind != "DOCKER":
		return usagef("beam", "%s: --environment_type is not for dataflow, whose workers are containers of --sdk_container_image", o.name)
	case o.flags.Lookup("template_location").Value.String() != "":
		return usagef("beam", "%s: --template_location: a template has no run, and morton makes none", o.name)
	case !store.Stored(o.out):
		return usagef("beam", "%s: --out %s: dataflow's workers see no disk of this machine; name a folder in gs://", o.name, o.out)
	}
	return nil
}

// checkPlaces refuses inputs that the workers cannot see.
func (o *options) checkPlaces(job *pipelines.Job) error {
	if o.runner() != "dataflow" {
		return nil
	}
	for i := range job.Requests {
		for _, path := range job.Requests[i].Files() {
			if !store.Stored(path) {
				return usagef("beam", "%s: input %s: dataflow's workers see no disk of this machine; put it into gs://", o.name, path)
			}
		}
	}
	return nil
}

// reach reports an endpoint that is no job server's. A dry run asks nothing of it.
func (o *options) reach(ctx context.Context) error {
	distant := o.runner() == "dataflow"
	if !distant && (*jobopts.Endpoint == "" || !o.portable()) {
		return nil
	}
	job := o.job("", nil, time.Time{})
	err := pipelines.CheckEndpoint(job)
	if err == nil && !dryRun() {
		err = pipelines.Reach(ctx, job)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jobserver.ErrDenied):
		return usagef("beam", "%s: %s (gcloud auth application-default login makes them)", o.name, plain(err))
	case distant:
		return usagef("beam", "%s: --dataflow_endpoint: %s", o.name, plain(err))
	case errors.Is(err, jobserver.ErrNotServer):
		return usagef("beam", "%s: --endpoint %s: that is not Beam's job server, which is at 8099 by default; Flink's own 8081 is another", o.name, *jobopts.Endpoint)
	}
	return usagef("beam", "%s: --endpoint %s: %s", o.name, *jobopts.Endpoint, plain(err))
}

func (o *options) portable() bool {
	job := pipelines.Job{Runner: o.runner()}
	return job.Portable()
}

// absolute makes a job's paths absolute for workers that run in another folder. Inputs
// stay as given, since results name them: see [pipelines.OptionFolder].
func absolute(job *pipelines.Job) (err error) {
	for _, p := range []*string{&job.Settings.Out, &job.Settings.Spec.Dir, &job.Settings.Spec.Draft} {
		if *p == "" || store.Stored(*p) {
			continue
		}
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	return nil
}

// noteParallelism prints what Flink does without --parallelism.
func (o *options) noteParallelism(t terminal) {
	if o.runner() == "flink" && !o.flags.Changed("parallelism") {
		fmt.Fprintln(t.err, "morton: no --parallelism: unless Flink's parallelism.default says more, one slot does all the work")
	}
}
