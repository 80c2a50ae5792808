// Package engine runs many generation requests at once on one network: requests
// take slots, share every step's matrix products, and leave when they are done.
// What a request draws depends on its own id, seed and inputs alone, not on the
// company it keeps.
//
// It is not for what tokens mean (see models/cube, models/octree, models/quad).
//
//	e, err := engine.New(dev, cfg, weights, engine.Options{})
//	defer e.Close()
//	res, err := e.Generate(ctx, engine.Request{ID: "a", Seed: 1, Temperature: 1, TopP: 1, End: -1, Plan: plan, Tokens: prompt})
package engine
