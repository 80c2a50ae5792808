// Package engine runs many generation requests at once on one network. Requests take
// slots, share the matrix products of every step, and leave when they are done. The
// tokens of a request depend on its id, seed and inputs alone, never on the batch.
//
// A [Decoder] runs the steps of a [system.System]. An [Engine] owns one, and decides
// which requests share a step, and which share pages: those that begin alike, and the
// hypotheses of a [Search]. docs/design.md tells how, and docs/glossary.md has the
// words.
//
// It is not for what tokens mean or in which order they come: see models/system.
//
//	e, err := engine.New(dev, sys, weights, engine.Options{})
//	defer e.Close()
//	res, err := e.Generate(ctx, engine.Request{
//		ID: "a", Seed: 1, Temperature: 1, TopP: 1, End: -1,
//		Schedule: func() (system.Schedule, error) { return sys.Schedule(system.Prompt{Class: 207}) },
//	})
//
// Letters are those of package system.
package engine
