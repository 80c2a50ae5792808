package main

const depthUsage = "level of the leaves; 0 is the model's deepest"

func addShape(k *generateKind) {
	f := k.own
	f.IntVar(&k.base.PrefixDepth, "prefix-depth", 0, "octree levels taken from the input; 0 is two above the depth")
	f.IntVar(&k.base.Depth, "depth", 0, depthUsage)
	f.IntVar(&k.count, "count", 1, "without --input: how many shapes")
	addMeshFlags(f, &k.limits, &k.base.Scene)
}

func addDepth(k *tokenizeKind) {
	k.own.IntVar(&k.base.Depth, "depth", 0, depthUsage)
	addMeshFlags(k.own, &k.limits, &k.base.Scene)
}
