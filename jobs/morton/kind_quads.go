package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree/remesh"
	"github.com/morton-gen/morton/transforms/request"
)

func addFaces(k *generateKind) {
	k.own.IntVar(&k.base.Faces, "faces", 0, "largest number of faces; the default is the third quartile of the model's training data (the shipped model: 188)")
	k.own.Float64Var(&k.share, "quad-share", 0, "ask the model for faces of which this share has four corners, 0 to 1, instead of its own; for models of QuadGPT's kind")
	k.base.Method = request.MethodAuto
	k.own.StringVar((*string)(&k.base.Method), "method", string(request.MethodAuto), "model covers the surface face by face, surface lays quads along it without a model or a device, auto takes the one with the better score")
	addMeshFlags(k.own, &k.limits, &k.base.Scene)
}

// addCoding adds tokenize's flags for quads.
func addCoding(k *tokenizeKind) {
	names := sequence.Names()
	k.own.Func("coding", "how faces become tokens: `NAME` is one of "+strings.Join(names, ", ")+"; models generate "+sequence.NameQuads+", the default", func(name string) error {
		if !slices.Contains(names, name) {
			return fmt.Errorf("codings are %s, and %q is none", strings.Join(names, ", "), name)
		}
		k.base.Coding = name
		return nil
	})
	addMeshFlags(k.own, &k.limits, &k.base.Scene)
}

func (k *generateKind) takeFaces() error {
	if k.own.Changed("faces") && k.base.Faces < 1 {
		return k.usagef("--faces is at least 1")
	}
	if k.own.Changed("quad-share") {
		if !(k.share >= 0 && k.share <= 1) {
			return k.usagef("--quad-share is 0 to 1")
		}
		if k.base.Method == request.MethodSurface {
			return k.usagef("--quad-share is for a model, which --method surface does without")
		}
		k.base.QuadShare = &k.share
	}
	if !slices.Contains(request.Methods, k.base.Method) {
		return k.usagef("--method is one of %v", request.Methods)
	}
	if k.base.Method != request.MethodModel && k.own.Changed("faces") && k.base.Faces < remesh.MinFaces {
		return k.usagef("--faces is at least %d, but for --method model", remesh.MinFaces)
	}
	return nil
}

// noteFaces prints a note if requests exceed the sizes the model was trained on.
// An unreadable model is reported when it is opened.
func noteFaces(w io.Writer, dir string, requests []request.Request) {
	asked, most := 0, 0
	name, format, err := models.Describe(system.Quads, dir)
	if err != nil || format.Faces == 0 {
		return
	}
	for _, r := range requests {
		if r.Family == request.Quads && r.Faces > format.Faces && (r.Method == "" || r.Method == request.MethodModel) {
			asked++
			most = max(most, r.Faces)
		}
	}
	if asked > 0 {
		fmt.Fprintf(w, "note: %d of %d requests ask for up to %d faces, which is beyond the training of model %s: three in four of its meshes had at most %d\n",
			asked, len(requests), most, name, format.Faces)
	}
}
