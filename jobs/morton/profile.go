package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/family"
)

type profileFlags struct {
	flags *pflag.FlagSet
	deviceFlags

	system string
	model  string
	batch  int
	trace  string
	shapes bool
	json   bool
}

func newProfileFlags() *profileFlags {
	p := &profileFlags{flags: newFlags("profile")}
	f := p.flags
	f.StringVar(&p.system, "system", "", "run the system `NAME`: cube (continues a made-up clip), octree (refines a stick) or quad (covers a ball)")
	f.StringVar(&p.model, "model", "", "the model folder `DIR` instead of the shipped model")
	f.IntVar(&p.batch, "batch", 1, "requests at once")
	f.StringVar(&p.trace, "trace", "", "write every call with its time to `FILE`, as Chrome and Perfetto read it")
	f.BoolVar(&p.shapes, "shapes", false, "a line for each shape of product: layout, m x n x k, type of weights")
	p.deviceFlags.add(f)
	f.BoolVar(&p.json, "json", false, "print JSON")
	return p
}

func profileCommand(t terminal) *cobra.Command {
	c := newCommand("profile --system cube|octree|quad", "profile")
	p := newProfileFlags()
	c.Flags().AddFlagSet(p.flags)
	complete(c, "system", profiled...)
	completeFolders(p.flags, "model")
	completeDevice(c)
	c.Args = noWords
	c.RunE = func(c *cobra.Command, _ []string) error { return p.run(c.Context(), t) }
	return c
}

// profiled are the systems that profile runs: our own.
var profiled = ownSystems()

func ownSystems() (names []string) {
	for _, p := range system.All() {
		if p.Own {
			names = append(names, p.Name)
		}
	}
	return names
}

func (p *profileFlags) check() error {
	switch {
	case p.system == "":
		return usagef("profile", "profile: --system is required: cube, octree or quad")
	case !slices.Contains(profiled, p.system):
		return usagef("profile", "profile: no system %q%s", p.system, suggest(p.system, profiled))
	case p.batch < 1 || p.batch > 256:
		return usagef("profile", "profile: --batch is 1 to 256")
	}
	return nil
}

func (p *profileFlags) run(ctx context.Context, t terminal) error {
	if err := p.check(); err != nil {
		return err
	}
	o := p.deviceFlags.options()
	o.Width = p.wanted()
	of, err := system.ByName(p.system)
	if err != nil {
		return err
	}
	o.Grain = models.Grain(of.Kind, p.model, models.Options{Slots: p.batch})
	dev, err := family.OpenDevice(o)
	if err != nil {
		return err
	}
	defer dev.Close()
	report, spans, err := p.measure(ctx, dev, of)
	if err != nil {
		return err
	}
	if p.trace != "" {
		if err := writeTrace(p.trace, dev.Info().Name, report.Roof, spans); err != nil {
			return err
		}
	}
	return report.print(t, p.json)
}

// measure runs the system's work twice: to warm up and under a profile.
func (p *profileFlags) measure(ctx context.Context, dev *gpu.Device, of system.Published) (*profileReport, []gpu.Span, error) {
	roof, err := measureRoof(dev)
	if err != nil {
		return nil, nil, err
	}
	work, err := openWork(dev, of, p.model, p.batch)
	if err != nil {
		return nil, nil, err
	}
	defer work.close()
	if _, err := work.all(ctx); err != nil {
		return nil, nil, err
	}
	prof, err := dev.StartProfile()
	if err != nil {
		return nil, nil, err
	}
	begin := time.Now()
	tokens, err := work.all(ctx)
	took := time.Since(begin)
	prof.Stop()
	if err != nil {
		return nil, nil, err
	}
	r := &profileReport{
		Device: dev.Info().Name, Width: dev.SubgroupWidth(), Threads: dev.Info().Threads, Model: work.name, Batch: p.batch, Tokens: tokens,
		Wall: took, ByClock: prof.ByClock(), Roof: roof,
	}
	kernels := prof.Kernels()
	if !p.shapes {
		kernels = together(kernels)
	}
	r.fill(kernels)
	return r, prof.Spans(), nil
}
