package main

import (
	"strconv"

	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/request"
)

const depthUsage = "level of the leaves; 0 is the model's own"

func addShape(k *generateKind) {
	f := k.own
	f.IntVar(&k.base.PrefixDepth, "prefix-depth", 0, "octree levels taken from the input; 0 is two above the depth")
	f.IntVar(&k.base.Depth, "depth", 0, depthUsage)
	f.StringVar(&k.className, "class", "", "generate a shape of class `NAME`, such as chair, or of that number, counted from 0; an unknown name lists them")
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
	if k.own.Changed("class") {
		if err := k.findClass(); err != nil {
			return err
		}
	}
	if err := k.takeCondition(); err != nil {
		return err
	}
	if k.model == "" && k.base.Text != "" {
		return k.usagef("--text is for a published model, which --model names (see docs/how-to/checkpoints.md)")
	}
	return nil
}

// classes returns the names of the model's classes, nil if it has none. A published model
// has none; whatever else is wrong with the folder is told where it is opened.
func (k *generateKind) classes() []string {
	if k.base.Family != request.Shape {
		return nil
	}
	names, _ := models.Classes(system.Shape, k.folder)
	return names
}

// findClass reads --class, the name of a class or its number. Results have the name.
func (k *generateKind) findClass() error {
	class := k.className
	names := k.classes()
	if names == nil {
		n, err := strconv.Atoi(class)
		if err != nil {
			return k.usagef("--class %q: the model has no names of classes; give a number", class)
		}
		k.class, k.className = n, ""
		return nil
	}
	n, err := request.ClassNumber(names, class)
	if err != nil {
		return k.usagef("--%s", err)
	}
	k.class, k.className = n, names[n]
	return nil
}
