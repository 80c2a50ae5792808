package main

import (
	"testing"

	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/transforms/request"
)

// TestMeshFlags: what is typed reaches the job of every kind that reads meshes.
func TestMeshFlags(t *testing.T) {
	words := []string{"--input", "a.glb", "--out", "o", "--scene", "1", "--mesh-limit", "faces=5", "--mesh-limit=face-corners=9"}
	for _, kind := range []request.Family{request.Shape, request.Quads} {
		g, k := newGenerateFlags(kind), newTokenizeFlags(kind)
		for name, o := range map[string]struct {
			*options
			base *request.Request
		}{"generate": {g.options, &g.base}, "tokenize": {k.options, &k.base}} {
			if _, err := o.flags.parse(words); err != nil {
				t.Fatalf("%s %s: %v", name, kind, err)
			}
			j := o.job(kind, nil, begin())
			if o.base.Scene == nil || *o.base.Scene != 1 || j.Settings.Spec.Limits != (limit.Limits{Faces: 5, FaceCorners: 9}) {
				t.Errorf("%s %s: %+v, %+v", name, kind, o.base, j.Settings.Spec.Limits)
			}
		}
	}
	for _, bad := range []string{"--scene=-1", "--scene=one", "--mesh-limit=faces", "--mesh-limit=feet=2"} {
		if _, err := newGenerateFlags(request.Shape).flags.parse([]string{bad}); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
