package request

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/internal/store/storetest"
)

func putText(t *testing.T, place, text string) {
	t.Helper()
	if err := store.Replace(place, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestExpandStored: patterns, names and folders of a store are what they are on the disk.
func TestExpandStored(t *testing.T) {
	storetest.S3(t, "bucket")
	storetest.GS(t)
	for _, root := range []string{"s3://bucket/in", "gs://bucket/in"} {
		for _, name := range []string{"a.obj", "b.glb", "c [1].obj", ".hidden.obj", "deep/d.obj", "deep/.x/e.obj", "deep/er/f.obj", "deeper.obj"} {
			putText(t, root+"/"+name, name)
		}
		for pattern, want := range map[string][]string{
			"*.obj":           {"a.obj", "c [1].obj", "deeper.obj"},
			"*.{obj,glb}":     {"a.obj", "b.glb", "c [1].obj", "deeper.obj"},
			"**/*.obj":        {"a.obj", "c [1].obj", "deep/d.obj", "deep/er/f.obj", "deeper.obj"},
			"deep/*/*.obj":    {"deep/er/f.obj"},
			"de*/?.obj":       {"deep/d.obj"},
			".*.obj":          {".hidden.obj"},
			"c [1].obj":       {"c [1].obj"},
			"missing.obj":     {"missing.obj"},
			"c \\[[0-9]].obj": {"c [1].obj"},
		} {
			m, err := Expand([]string{root + "/" + pattern})
			if err != nil {
				t.Errorf("%s: %v", pattern, err)
				continue
			}
			var got []string
			for _, p := range m.Paths {
				got = append(got, strings.TrimPrefix(p, root+"/"))
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", pattern, got, want)
			}
		}
		m, err := Expand([]string{root + "/a.obj", root + "/*.obj"})
		if err != nil || m.Again != 1 || len(m.Paths) != 3 {
			t.Errorf("%+v, %v", m, err)
		}
		for pattern, want := range map[string]error{"*.ply": ErrNoMatch, "": ErrFolder, "deep": ErrFolder, "[.obj": filepath.ErrBadPattern} {
			if _, err := Expand([]string{strings.TrimSuffix(root+"/"+pattern, "/")}); !errors.Is(err, want) {
				t.Errorf("%q: %v, want %v", pattern, err, want)
			}
		}
		for input, want := range map[string]error{"deep": ErrFolder, "*.ply": ErrNoMatch, "a.obj": nil, "none.obj": nil} {
			if err := CheckInput(root + "/" + input); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", input, err, want)
			}
		}
	}
}

// TestManifestStored: a manifest of a store names objects beside it, and others.
func TestManifestStored(t *testing.T) {
	storetest.S3(t, "bucket")
	const name = "s3://bucket/lists/all.jsonl"
	putText(t, name, `{"input":"a.obj"}
{"input":"../in/b.obj"}
{"input":"gs://other/c.obj"}
{"input":"/local/d.obj"}
`)
	requests, err := ReadManifest(name, Request{Family: Shape})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"s3://bucket/lists/a.obj", "s3://bucket/in/b.obj", "gs://other/c.obj", "/local/d.obj"} {
		if requests[i].Input != want || requests[i].In("/here").Input != want {
			t.Errorf("%q, want %q", requests[i].Input, want)
		}
	}
}

// TestFingerprintStored: it changes when the object does, and not with the name of the
// working directory.
func TestFingerprintStored(t *testing.T) {
	storetest.S3(t, "bucket")
	storetest.GS(t)
	for _, place := range []string{"s3://bucket/a.obj", "gs://bucket/a.obj"} {
		putText(t, place, "one")
		r := Request{ID: "a", Family: Shape, Input: place}
		first := r.Fingerprint("generate", "m")
		t.Chdir(t.TempDir())
		if r.Fingerprint("generate", "m") != first {
			t.Error("another without a change")
		}
		putText(t, place, "two")
		if r.Fingerprint("generate", "m") == first {
			t.Error("the same after a change")
		}
	}
}
