package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners"

	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// options are the flags that every command with a pipeline has.
type options struct {
	flags *flagSet
	deviceFlags

	input     list
	manifest  once
	out       string
	model     string
	slots     int
	inFlight  int
	workers   int
	maxFailed report.Threshold
	overwrite bool
	json      bool
	verbose   bool
	limits    limit.Limits // of mesh files
}

// newOptions makes the flags of a command with a model.
func newOptions(name string) *options {
	o := newPlainOptions(name)
	o.flags.StringVar(&o.model, "model", "", "")
	o.deviceFlags.add(o.flags)
	o.flags.IntVar(&o.slots, "slots", 0, "")
	return o
}

// newPlainOptions makes the flags of a command without one.
func newPlainOptions(name string) *options {
	o := &options{flags: newFlags(name)}
	f := o.flags
	f.Var(&o.input, "input", "")
	f.StringVar(&o.out, "out", "", "")
	f.IntVar(&o.inFlight, "in-flight", 0, "")
	f.IntVar(&o.workers, "workers", 1, "")
	f.TextVar(&o.maxFailed, "max-failed", report.Threshold{}, "")
	f.BoolVar(&o.overwrite, "overwrite", false, "")
	f.BoolVar(&o.json, "json", false, "")
	f.BoolVar(&o.verbose, "v", false, "")
	return o
}

// parse reads the command line and checks what no job can tell.
func (o *options) parse(args []string) error {
	o.flags.addBeam()
	words, err := o.flags.parse(args)
	o.input = append(o.input, words...) // a shell may have expanded a pattern
	switch {
	case err != nil:
		return err
	case o.out == "":
		return o.usagef("--out says where to write")
	}
	if err := o.checkSource(); err != nil {
		return err
	}
	if err := checkRunner(o.flags, o.runner()); err != nil {
		return err
	}
	return chooseWorkers(o.flags, o.runner())
}

func (o *options) usagef(format string, args ...any) error {
	return usagef(o.flags.Name(), o.flags.Name()+": "+format, args...)
}

// runner is Beam's --runner; without it, the one that opens no port.
func (o *options) runner() string {
	if *runners.Runner == "" {
		return "direct"
	}
	return *runners.Runner
}

func (o *options) job(f request.Family, requests []request.Request, begun time.Time) pipelines.Job {
	return pipelines.Job{
		Settings: transforms.Settings{
			Spec: family.Spec{
				Family: f, Dir: o.model, Device: o.device, Memory: uint64(o.memory), Threads: int(o.threads), Slots: o.slots,
				Limits: o.limits,
			},
			Out: o.out, Overwrite: o.overwrite, InFlight: o.inFlight, MaxFailed: o.maxFailed,
		},
		Requests: requests, Runner: o.runner(), Workers: o.workers, Begun: begun,
	}
}

// fromPatterns makes the requests of --input.
func (o *options) fromPatterns(t terminal, base request.Request) ([]request.Request, error) {
	found, err := request.Expand(o.input)
	if err != nil {
		return nil, o.usagef("%s", plain(err))
	}
	noteAgain(t, found.Again)
	requests, err := request.FromPaths(found.Paths, base)
	if err != nil {
		return nil, o.usagef("%s", plain(err))
	}
	return requests, nil
}

// noteAgain says that names of one file are left out.
func noteAgain(t terminal, n int) {
	if n > 0 {
		fmt.Fprintf(t.err, "morton: %s left out, of files that another name stands for: each file is done once\n", many(n, "name"))
	}
}

// fromManifest makes the requests of --manifest. Check is that of its lines.
func (o *options) fromManifest(t terminal, base request.Request, check func(*request.Request) error) ([]request.Request, error) {
	m := request.Manifest{Base: base, Check: check, Name: "standard input"}
	var requests []request.Request
	var err error
	if o.manifest == "-" {
		requests, err = m.Decode(t.in)
	} else {
		requests, err = m.Read(string(o.manifest))
	}
	switch {
	case err != nil:
		return nil, o.usagef("%s", plain(err))
	case len(requests) == 0:
		return nil, o.usagef("%s has no requests", o.manifest)
	}
	return requests, nil
}

// checkSource says what is wrong with --input and --manifest together.
func (o *options) checkSource() error {
	switch {
	case len(o.input) > 0 && o.flags.given("manifest"):
		return o.usagef("--input or --manifest, not both")
	case slices.Contains(o.input, ""):
		return o.usagef("--input is empty")
	case o.flags.given("manifest") && o.manifest == "":
		return o.usagef("--manifest is empty")
	}
	return nil
}

// A pipeline is one of package pipelines' functions.
type pipeline func(context.Context, pipelines.Job) (report.Summary, error)

// quote makes what was typed again, for the page.
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
