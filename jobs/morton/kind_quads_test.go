package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/request"
)

// TestFacesDefault leaves the number of faces to the model, whose configuration
// has it, and the help names the shipped model's.
func TestFacesDefault(t *testing.T) {
	if g := newGenerateFlags().ofKind(request.Quads); g.base.Faces != 0 {
		t.Errorf("a default of %d faces, whatever the model", g.base.Faces)
	}
	_, f, err := models.Describe(system.Quads, "")
	if err != nil || f.Faces != 188 {
		t.Fatalf("the shipped model's default is %d: %v", f.Faces, err)
	}
	if _, text, _ := morton("help", "generate"); !strings.Contains(text, "(the shipped model: 188)") {
		t.Errorf("the help does not name it:\n%s", text)
	}
}

func TestNoteFaces(t *testing.T) {
	ask := func(faces ...int) string {
		var requests []request.Request
		for _, n := range faces {
			requests = append(requests, request.Request{Family: request.Quads, Faces: n})
		}
		var out bytes.Buffer
		noteFaces(&out, "", requests)
		return out.String()
	}
	if got := ask(0, 188, 6); got != "" {
		t.Errorf("within the training: %q", got)
	}
	if got := ask(0, 800, 189); !strings.Contains(got, "2 of 3 requests ask for up to 800 faces") || !strings.Contains(got, "at most 188") {
		t.Errorf("beyond it: %q", got)
	}
}
