package main

import (
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/transforms/request"
)

// TestMeshFlags: what is typed reaches the job of every kind that reads meshes.
func TestMeshFlags(t *testing.T) {
	words := []string{"--input", "a.glb", "--out", "o", "--scene", "1", "--mesh-limit", "faces=5", "--mesh-limit=face-corners=9"}
	for _, kind := range []request.Family{request.Shape, request.Quads} {
		g, k := newGenerateFlags().ofKind(kind), newTokenizeFlags().ofKind(kind)
		for name, o := range map[string]struct {
			*options
			own  *pflag.FlagSet
			base *request.Request
		}{"generate": {g.options, g.own, &g.base}, "tokenize": {k.options, k.own, &k.base}} {
			o.own.AddFlagSet(o.flags)
			if err := o.own.Parse(words); err != nil {
				t.Fatalf("%s %s: %v", name, kind, err)
			}
			j := o.job(kind, nil, time.Now())
			if o.base.Scene == nil || *o.base.Scene != 1 || j.Settings.Spec.Limits != (limit.Limits{Faces: 5, FaceCorners: 9}) {
				t.Errorf("%s %s: %+v, %+v", name, kind, o.base, j.Settings.Spec.Limits)
			}
		}
	}
	for _, bad := range []string{"--scene=-1", "--scene=one", "--mesh-limit=faces", "--mesh-limit=feet=2"} {
		if err := newGenerateFlags().ofKind(request.Shape).own.Parse([]string{bad}); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
