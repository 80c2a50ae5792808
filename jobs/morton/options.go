package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/codecs/video/isolated"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// options are the flags of every command with a pipeline.
type options struct {
	name  string // the command's name
	flags *pflag.FlagSet
	deviceFlags

	input     []string
	manifest  once
	out       string
	model     string
	folder    string // local model folder; "" for the shipped one
	slots     int
	inFlight  int
	workers   int
	maxFailed report.Threshold
	overwrite bool
	detach    bool
	metrics   string // address
	json      bool
	verbose   bool
	copied    sizeFlag // largest input copied from a store
	inputTime time.Duration
	limits    limit.Limits // of mesh files
	media     video.Limits // of clips and pictures
	tokens    int          // of a sample
	decoder   isolated.Decoder
	decodes   sizeFlag // memory of the decoder's process
}

// newFlags returns a set that lists its flags in the order of definition.
func newFlags(name string) *pflag.FlagSet {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SortFlags = false
	return f
}

// newOptions adds the common flags of a command; input explains --input.
func newOptions(name, input string) *options {
	o := &options{name: name, flags: newFlags(name)}
	o.flags.StringArrayVar(&o.input, "input", nil, input)
	if name != report.Detokenize {
		o.flags.Var(&o.manifest, "manifest", "read requests from the JSON Lines `FILE`, - for standard input; each line overrides the flags")
	}
	o.flags.StringVar(&o.out, "out", "", "write results to `DIR`; finished results there are kept and skipped")
	return o
}

const patternUsage = "files that match `PATTERN`: quoted, with *, ?, {a,b} and ** (any folders); may be given again"

// addModel adds the flags of a command with a model.
func (o *options) addModel() {
	o.flags.StringVar(&o.model, "model", "", "use the model in `PATH` instead of the shipped one: a folder, or a published checkpoint's file")
	o.deviceFlags.add(o.flags)
	o.flags.IntVar(&o.slots, "slots", 0, "sequences generated at once; 0 is the engine's default")
}

// addTokens adds the flag for the length of samples.
func (o *options) addTokens() {
	o.flags.IntVar(&o.tokens, "max-tokens", 0, "fail inputs that take more than `N` tokens: of a sample, and of what is generated; 0 is what the model and a shard take")
}

// addRun adds the flags that control the run, including Beam's.
func (o *options) addRun() {
	f := o.flags
	f.IntVar(&o.inFlight, "in-flight", 0, "requests that a worker has open at once; 0 is twice the slots (remesh: twice the processors)")
	f.IntVar(&o.workers, "workers", 1, "parallel branches of the pipeline")
	f.TextVar(&o.maxFailed, "max-failed", report.Threshold{}, "stop and fail when more inputs have failed than `N|P%` of those "+
		"done so far (a percentage counts from the twentieth on, and at the end)")
	f.Var(&o.copied, "input-limit", "copy inputs of s3:// and gs:// that have at most `SIZE` bytes, such as 512M or 4G; 0 is 16G")
	f.DurationVar(&o.inputTime, "input-time", 0, "give up an input that takes longer to read than `TIME`, such as 90s or 10m; 0 waits for ever")
	f.BoolVar(&o.overwrite, "overwrite", false, "repeat finished results, and replace files that no run made or that were changed since; "+
		"an input is never replaced")
	f.BoolVar(&o.detach, "detach", false, "begin the job of a runner elsewhere, say how to come back to it, and end")
	f.StringVar(&o.metrics, "metrics-addr", "", "serve metrics of this process, in Prometheus's form, at http://`HOST:PORT`/metrics while the run lasts; without HOST on loopback")
	f.BoolVar(&o.json, "json", false, "print the summary as JSON")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show Beam's log")
	addBeam(f)
}

// complete completes the flags' values of the command that has them.
func (o *options) complete(c *cobra.Command) {
	completeFolders(o.flags, "out")
	complete(c, "runner", "direct", "prism", "universal", "flink", "dataflow")
	if o.flags.Lookup("manifest") != nil {
		must(cobra.MarkFlagFilename(o.flags, "manifest", "jsonl"))
	}
	if o.flags.Lookup("model") != nil {
		must(cobra.MarkFlagFilename(o.flags, "model", "safetensors", "pt", "pth", "ckpt", "bin")) // or a folder
		completeDevice(c)
	}
}

// check adds the arguments to the inputs and validates what the job cannot.
func (o *options) check(words []string) error {
	o.input = append(o.input, words...) // the shell may have expanded a pattern
	if o.out == "" {
		return o.usagef("--out is required: the folder for results")
	}
	if err := o.checkSource(); err != nil {
		return err
	}
	if err := checkRunner(o.flags, o.name, o.runner()); err != nil {
		return err
	}
	if err := chooseWorkers(o.flags, o.runner()); err != nil {
		return err
	}
	if err := o.checkWorkers(); err != nil {
		return err
	}
	if o.tokens < 0 {
		return o.usagef("--max-tokens is not negative")
	}
	return o.fetchModel()
}

// fetchModel copies a model from a store, since the command reads it.
func (o *options) fetchModel() (err error) {
	if o.folder, err = family.FetchModel(context.Background(), o.model); err != nil {
		return o.modelError(err)
	}
	return nil
}

func (o *options) usagef(format string, args ...any) error {
	return usagef(o.name, o.name+": "+format, args...)
}

// ofPlace is wrong use of a place, unless its store does not answer: then the same command
// may do later.
func (o *options) ofPlace(text string, err error) error {
	if errors.Is(err, store.ErrUnavailable) {
		return fmt.Errorf("%s%w", text, err)
	}
	return o.usagef("%s%s", text, plain(err))
}

// runner is Beam's --runner; without it, the one that opens no port.
func (o *options) runner() string {
	if *runners.Runner == "" {
		return "direct"
	}
	return *runners.Runner
}

// action is the command's name in results. By default it is the command's own.
func (o *options) action() string {
	if o.name == "remesh" {
		return report.Generate
	}
	return o.name
}

func (o *options) job(f request.Family, requests []request.Request, begun time.Time) pipelines.Job {
	o.decoder.Memory = int64(min(o.decodes, math.MaxInt64))
	return pipelines.Job{
		Settings: transforms.Settings{
			Spec: family.Spec{
				Family: f, Dir: o.model, Device: o.device, Memory: uint64(o.memory), Threads: int(o.threads), Slots: o.slots,
				Limits: o.limits, Media: o.media, Tokens: o.tokens, Decoder: o.decoder,
			},
			Out: o.out, Overwrite: o.overwrite, InFlight: o.inFlight, MaxFailed: o.maxFailed, InputTime: o.inputTime, InputLimit: int64(min(o.copied, math.MaxInt64)),
		},
		Requests: requests, Runner: o.runner(), Workers: o.workers, Begun: begun,
	}
}

// fromPatterns returns the requests of --input.
func (o *options) fromPatterns(t terminal, base request.Request) ([]request.Request, error) {
	asked := o.asking(t)
	found, err := request.Expand(o.input)
	asked()
	if err != nil {
		return nil, o.ofPlace("", err)
	}
	noteAgain(t, found.Again)
	paths := pipelines.WithoutResults(o.out, base.Family, o.action(), found.Paths)
	if err := o.noteResults(t, len(found.Paths)-len(paths), len(paths)); err != nil {
		return nil, err
	}
	requests, err := request.FromPaths(paths, base)
	if err != nil {
		return nil, o.usagef("%s", plain(err))
	}
	return requests, nil
}

// noteResults prints that results of earlier runs are left out. If nothing else is left,
// it returns an error.
func (o *options) noteResults(t terminal, out, left int) error {
	switch {
	case out > 0 && left == 0:
		return o.usagef("nothing to do: earlier runs into %s made all matching files (%d)", o.out, out)
	case out > 0:
		fmt.Fprintf(t.err, "morton: %s left out: made by earlier runs into %s\n", many(out, "file"), o.out)
	}
	return nil
}

// noteAgain prints that further names of one file are left out.
func noteAgain(t terminal, n int) {
	if n > 0 {
		fmt.Fprintf(t.err, "morton: %s left out: other names of files that are already listed\n", many(n, "name"))
	}
}

// fromManifest returns the requests of --manifest, read as m says.
func (o *options) fromManifest(t terminal, m request.Manifest) ([]request.Request, error) {
	m.Name = "standard input"
	var requests []request.Request
	var err error
	if o.manifest == "-" {
		requests, err = m.Decode(t.in)
	} else {
		asked := o.asking(t)
		requests, err = m.Read(string(o.manifest))
		asked()
	}
	switch {
	case err != nil:
		return nil, o.ofPlace("", err)
	case len(requests) == 0:
		return nil, o.usagef("%s has no requests", o.manifest)
	}
	return requests, nil
}

// checkSource rejects a wrong combination of --input and --manifest.
func (o *options) checkSource() error {
	switch {
	case len(o.input) > 0 && o.flags.Changed("manifest"):
		return o.usagef("--input or --manifest, not both")
	case slices.Contains(o.input, ""):
		return o.usagef("--input is empty")
	case o.flags.Changed("manifest") && o.manifest == "":
		return o.usagef("--manifest is empty")
	}
	return nil
}

// once is a flag that may be given only once, since a second value would hide
// the first.
type once string

func (o *once) String() string { return string(*o) }
func (o *once) Type() string   { return "string" }
func (o *once) Set(s string) error {
	if *o != "" {
		return errors.New("given twice")
	}
	*o = once(s)
	return nil
}

// A pipeline is one of package pipelines' functions.
type pipeline func(context.Context, pipelines.Job) (report.Summary, error)

// quote formats the command line for the page.
func quote(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.ContainsAny(w, " \t\n'\"*?[]$&;|<>(){}\\`!#~") {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
