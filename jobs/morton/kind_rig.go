package main

// addRig adds the flags of rigs.
func addRig(k *generateKind) { addMeshFlags(k.own, &k.limits, &k.base.Scene) }

// takeRig takes their values: there is nothing that no model can do.
func (k *generateKind) takeRig() error { return nil }

func addRigged(k *tokenizeKind) { addMeshFlags(k.own, &k.limits, &k.base.Scene) }
