package main

import (
	"context"
	"time"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models"
)

// profileFlags are the flags of profile.
type profileFlags struct {
	*flagSet
	deviceFlags

	family string
	model  string
	batch  int
	trace  string
	shapes bool
	json   bool
}

func newProfileFlags() *profileFlags {
	p := &profileFlags{flagSet: newFlags("profile")}
	p.StringVar(&p.family, "family", "", "")
	p.StringVar(&p.model, "model", "", "")
	p.IntVar(&p.batch, "batch", 1, "")
	p.StringVar(&p.trace, "trace", "", "")
	p.BoolVar(&p.shapes, "shapes", false, "")
	p.BoolVar(&p.json, "json", false, "")
	p.deviceFlags.add(p.flagSet)
	return p
}

func (p *profileFlags) check(words []string) error {
	families := []string{shard.KindCube, shard.KindOctree, shard.KindQuad}
	switch {
	case len(words) > 0:
		return usagef("profile", "profile: unexpected %q", words[0])
	case p.family == "":
		return usagef("profile", "profile: --family says what to run: cube, octree or quad")
	case p.family != families[0] && p.family != families[1] && p.family != families[2]:
		return usagef("profile", "profile: no family %q%s", p.family, suggest(p.family, families))
	case p.batch < 1 || p.batch > 256:
		return usagef("profile", "profile: --batch is 1 to 256")
	}
	return nil
}

func runProfile(ctx context.Context, t terminal, args []string) error {
	p := newProfileFlags()
	words, err := p.parse(args)
	if err != nil {
		return err
	}
	if err := p.check(words); err != nil {
		return err
	}
	o := p.deviceFlags.options()
	o.Width = p.wanted()
	o.Grain = models.Grain(p.model, p.family, models.Options{Slots: p.batch})
	dev, err := gpu.Open(o)
	if err != nil {
		return err
	}
	defer dev.Close()
	report, spans, err := p.measure(ctx, dev)
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

// measure runs the family's work, once to warm up and once under a profile.
func (p *profileFlags) measure(ctx context.Context, dev *gpu.Device) (*profileReport, []gpu.Span, error) {
	roof, err := measureRoof(dev)
	if err != nil {
		return nil, nil, err
	}
	work, err := openWork(dev, p.family, p.model, p.batch)
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
