package request

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func pointer[T any](x T) *T { return &x }

func TestSplitText(t *testing.T) {
	for _, c := range []struct{ text, path, tensor string }{
		{"", "", ""},
		{"a.safetensors", "a.safetensors", ""},
		{"a.safetensors#cat", "a.safetensors", "cat"},
		{"a#1.safetensors", "a#1.safetensors", ""},
		{"a#1.safetensors#cat", "a#1.safetensors", "cat"},
		{"features#x", "features", "x"},
		{"#x", "#x", ""},
	} {
		if path, tensor := SplitText(c.text); path != c.path || tensor != c.tensor {
			t.Errorf("%q: %q and %q, want %q and %q", c.text, path, tensor, c.path, c.tensor)
		}
	}
}

// TestPromptIsChecked: what a picture starts from is one thing, and makes sense.
func TestPromptIsChecked(t *testing.T) {
	for _, c := range []struct {
		r   Request
		why string
	}{
		{Request{Class: pointer(0)}, ""},
		{Request{Text: "a.safetensors", Guidance: pointer(0.0), GuidanceTokens: 9}, ""},
		{Request{}, "no class and no text"},
		{Request{Class: pointer(1), Text: "a"}, "class 1 and text"},
		{Request{Class: pointer(1), Input: "a.png"}, "not from"},
		{Request{Class: pointer(-1)}, "class -1"},
		{Request{Class: pointer(1), Guidance: pointer(-1.0)}, "guidance -1"},
		{Request{Class: pointer(1), Guidance: pointer(math.NaN())}, "guidance NaN"},
		{Request{Class: pointer(1), GuidanceTokens: -1}, "guidance_tokens -1"},
		{Request{Text: "a\xff"}, "UTF-8"},
		{Request{Class: pointer(1), Faces: 3}, `"faces" is no field of image`},
	} {
		c.r.ID, c.r.Family = "a", Image
		err := errors.Join(c.r.Validate(), c.r.CheckGenerate())
		if c.why == "not from" {
			c.why = "a picture starts from a class or a text"
		}
		if (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%+v: %v, want %q", c.r, err, c.why)
		}
	}
	clip := Request{ID: "a", Family: Video, Input: "a.mp4", Prefix: 8, Frames: 8, Class: pointer(1)}
	if err := clip.CheckGenerate(); err == nil || !strings.Contains(err.Error(), `"class" is no field of video`) {
		t.Errorf("a class of a video: %v", err)
	}
}

// TestManifestOfImages: a line's fields, its text beside the manifest, and a base that no
// line changes.
func TestManifestOfImages(t *testing.T) {
	base := Request{Family: Image, Class: pointer(1), Guidance: pointer(2.0), Scene: pointer(0), Text: ""}
	m := Manifest{Base: base, Dir: "prompts"}
	got, err := m.Decode(strings.NewReader(`{"id": "a", "class": 7, "guidance": 4, "guidance_tokens": 100, "scene": 3}
{"id": "b", "text": "t.safetensors#cat", "label": "mine"}
{"id": "c"}`))
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if r := got[0]; *r.Class != 7 || *r.Guidance != 4 || r.GuidanceTokens != 100 {
		t.Errorf("%+v", r)
	}
	if r := got[1]; r.Text != "prompts/t.safetensors#cat" || string(r.Extra["label"]) != `"mine"` {
		t.Errorf("%+v", r)
	}
	if r := got[2]; *r.Class != 1 || *r.Guidance != 2 || *r.Scene != 0 {
		t.Errorf("a line changed the base: class %d, guidance %g, scene %d", *r.Class, *r.Guidance, *r.Scene)
	}
	if _, err := m.Decode(strings.NewReader(`{"clas": 7}`)); err == nil || !strings.Contains(err.Error(), `did you mean "class"?`) {
		t.Errorf("a misspelled field: %v", err)
	}
}

// TestClassesByName reads a class by its name and by its number. A name that is none is
// rejected with those that are, and without names a number has to stand there.
func TestClassesByName(t *testing.T) {
	m := Manifest{Base: Request{Family: Shape}, Classes: []string{"any", "chair"}}
	got, err := m.Decode(strings.NewReader(`{"id": "a", "class": "chair"}
{"id": "b", "class": 0}
{"id": "c", "class": null}
{"id": "d", "class": "1"}`))
	if err != nil || len(got) != 4 || *got[3].Class != 1 || *got[0].Class != 1 || *got[1].Class != 0 || got[2].Class != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	for line, want := range map[string]string{
		`"chai"`: `line 1: class "chai": the model has any, chair`, `[1]`: "a whole number or a name, not [1]", `1.5`: "a whole number, not 1.5",
		`2`: `class "2": the model has any, chair, or their numbers, 0 to 1`, `"2"`: `class "2": the model has`, `1e300`: `the model has`, `0, "class": 1`: `"class" is given twice`,
		`0} {`: "not JSON",
	} {
		if _, err := m.Decode(strings.NewReader(`{"id": "a", "class": ` + line + `}`)); !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
	m.Classes = nil
	if _, err := m.Decode(strings.NewReader(`{"id": "a", "class": "chair"}`)); !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), "a whole number") {
		t.Errorf("without names: %v", err)
	}
}

// TestWordsOfOtherFamilies: the fields of images are a user's own on lines of others, also
// where the line itself says the family.
func TestWordsOfOtherFamilies(t *testing.T) {
	got, err := DecodeManifest(strings.NewReader(`{"id": "a", "family": "video", "input": "a.mp4", "class": "cats", "text": "a cat"}
{"id": "b", "family": "image", "class": 3}`), Request{})
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if r := got[0]; r.Class != nil || r.Text != "" || string(r.Extra["class"]) != `"cats"` || string(r.Extra["text"]) != `"a cat"` {
		t.Errorf("%+v", r)
	}
	if r := got[1]; r.Class == nil || *r.Class != 3 || r.Extra != nil {
		t.Errorf("%+v", r)
	}
	var lines strings.Builder
	clips := []Request{
		{ID: "a", Family: Video, Input: "a.mp4", Prefix: 1, Frames: 8, Text: "t.safetensors#cat", Guidance: pointer(3.0), Extra: Extra{"class": json.RawMessage(`"cats"`)}},
		{ID: "b", Family: Video, Text: "t.st", Frames: 9},
	}
	if err := Encode(&lines, clips); err != nil {
		t.Fatal(err)
	}
	got, err = DecodeManifest(strings.NewReader(lines.String()), Request{})
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if r := got[0]; r.Text != clips[0].Text || *r.Guidance != 3 || string(r.Extra["class"]) != `"cats"` || r.CheckGenerate() != nil {
		t.Errorf("a clip and a text: %+v, %v", r, r.CheckGenerate())
	}
	if r := got[1]; r.Text != "t.st" || r.Frames != 9 || r.CheckGenerate() != nil {
		t.Errorf("a text: %+v, %v", r, r.CheckGenerate())
	}
	for why, r := range map[string]Request{
		"ends in .safetensors": {Input: "a.mp4", Prefix: 1, Frames: 8, Text: "a cat"}, "without an input": {Text: "t", Prefix: 1}, "starts from one of them": {Text: "t", Class: pointer(1)},
		"both are at least 1": {Input: "a.mp4", Text: "t.safetensors", Frames: 8},
	} {
		r.Family = Video
		if err := r.CheckGenerate(); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%+v: %v, want %s", r, err, why)
		}
	}
}

// TestFingerprintOfPrompts: another class, scale or text is another result, and so is
// another file under the text's name.
func TestFingerprintOfPrompts(t *testing.T) {
	text := filepath.Join(t.TempDir(), "t.safetensors")
	if err := os.WriteFile(text, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	all := []Request{
		{Class: pointer(0)},
		{Class: pointer(1)},
		{Class: pointer(1), Guidance: pointer(1.0)},
		{Class: pointer(1), GuidanceTokens: 3},
		{Text: text},
		{Text: text + "#a"},
		{Text: text + "#b"},
		{},
	}
	for i := range all {
		seen[all[i].Fingerprint("generate", "m")] = i
	}
	if err := os.WriteFile(text, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	seen[all[4].Fingerprint("generate", "m")] = len(all)
	if len(seen) != len(all)+1 {
		t.Errorf("%d fingerprints of %d requests: %v", len(seen), len(all)+1, seen)
	}
	if got := Absolute(all[4:5])[0]; got.Text != text || len(got.Files()) != 1 || got.Files()[0] != text {
		t.Errorf("%+v reads %v", got, got.Files())
	}
}
