package models

import (
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/transformer"
)

// Options configure an open model.
type Options struct {
	Slots     int                   // sequences generated at once; 0 means engine.DefaultSlots
	Precision transformer.Precision // of the generator's matrices; "" means f16
}

// Grain is what [gpu.Options] wants to know of the model that a device is opened for;
// 0 if the folder cannot be read, which opening the model will tell.
func Grain(dir, family string, o Options) int64 {
	cfg, err := ReadConfig(dir, family)
	if err != nil {
		return 0
	}
	if o.Slots == 0 {
		o.Slots = engine.DefaultSlots
	}
	return engine.Grain(cfg.Network.System(), o.Slots*cfg.Network.Group)
}

// Stats says what a sample cost.
type Stats struct {
	Tokens  int           // positions drawn
	Elapsed time.Duration // on the device
	Waited  time.Duration // for a free slot
}

func stats(r engine.Result) Stats {
	return Stats{Tokens: r.Drawn, Elapsed: r.Elapsed, Waited: r.Waited}
}

// generator is what the open models share.
type generator struct {
	cfg    *Config
	name   string
	engine *engine.Engine
}

func openGenerator(dev *gpu.Device, dir, family string, o Options) (*generator, error) {
	cfg, err := ReadConfig(dir, family)
	if err != nil {
		return nil, err
	}
	name, err := title(cfg, dir)
	if err != nil {
		return nil, err
	}
	if o.Precision != "" { // it draws as another model would
		name += "-" + string(o.Precision)
	}
	w, err := openWeights(dir, family, "model.safetensors")
	if err != nil {
		return nil, err
	}
	defer w.Close()
	e, err := engine.New(dev, cfg.Network.System(), nn.File(w), engine.Options{Slots: o.Slots, Precision: o.Precision})
	if err != nil {
		return nil, err
	}
	return &generator{cfg: cfg, name: name, engine: e}, nil
}

// Name returns the model's name and the start of its weights' hash.
func (g *generator) Name() string { return g.name }

// Close frees the model; requests in flight fail with engine.ErrClosed.
func (g *generator) Close() { g.engine.Close() }

// Stats returns what the engine has done so far.
func (g *generator) EngineStats() engine.Stats { return g.engine.Stats() }

// request fills in the drawing parameters, the model's own where s is nil.
func (g *generator) request(id string, seed uint64, s *Sampling) engine.Request {
	if s == nil {
		s = &g.cfg.Sampling
	}
	r := engine.Request{ID: id, Seed: seed, Temperature: float32(s.Temperature), TopK: s.TopK, TopP: float32(s.TopP), End: -1}
	if r.TopP == 0 {
		r.TopP = 1
	}
	return r
}
