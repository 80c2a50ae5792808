package main

const depthUsage = "level of the leaves; 0 is the model's own"

func addShape(k *generateKind) {
	f := k.own
	f.IntVar(&k.base.PrefixDepth, "prefix-depth", 0, "octree levels taken from the input; 0 is two above the depth")
	f.IntVar(&k.base.Depth, "depth", 0, depthUsage)
	f.IntVar(&k.class, "class", 0, "generate class `N` of a published model, counted from 0")
	addText(k)
	f.Float64Var(&k.scale, "guidance", 0, "scale of classifier-free guidance, instead of the model's own; up to 1 is none")
	addMeshFlags(f, &k.limits, &k.base.Scene)
}

func addDepth(k *tokenizeKind) {
	k.own.IntVar(&k.base.Depth, "depth", 0, depthUsage)
	addMeshFlags(k.own, &k.limits, &k.base.Scene)
}

// takeShape reads the flags of a shape request and rejects invalid ones.
func (k *generateKind) takeShape() error {
	if err := k.takeCondition(); err != nil {
		return err
	}
	if k.model == "" && (k.base.Class != nil || k.base.Text != "" || k.base.Guidance != nil) {
		return k.usagef("--class, --text and --guidance are for a published model, which --model names (see docs/how-to/checkpoints.md)")
	}
	return nil
}
