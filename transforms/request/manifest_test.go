package request

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecodeManifest(t *testing.T) {
	base := Request{Family: Video, Seed: 1, Prefix: 16, Frames: 48, Sampling: &Sampling{0.5, 3, 0.9}}
	got, err := DecodeManifest(strings.NewReader(`
{"input": "clips/a.mp4"}
{"id": "b", "input": "clips/a.mp4", "seed": 9, "frames": 8, "sampling": {"temperature": 0}}

{"input": "x/b.mp4"}
`), base)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[0].ID != "a" || got[0].Frames != 48 || got[0].Seed != 1 {
		t.Fatalf("%+v", got)
	}
	if r := got[1]; r.Seed != 9 || r.Frames != 8 || *r.Sampling != (Sampling{0, 3, 0.9}) {
		t.Fatalf("%+v %+v", r, r.Sampling)
	}
	if *base.Sampling != (Sampling{0.5, 3, 0.9}) {
		t.Fatalf("a line changed the base: %+v", *base.Sampling)
	}
	if !strings.HasPrefix(got[2].ID, "b-") {
		t.Fatalf("id %q, want another than the given b", got[2].ID)
	}
}

func TestDecodeManifestRefuses(t *testing.T) {
	for _, c := range []struct{ line, why string }{
		{`{"id": "a"} {"id": "b"}`, "line 1"},
		{"{}\n" + `{"id": "a/b"}`, "line 2"},
		{`{"id": "a"}` + "\n" + `{"id": "A"}`, "taken"},
		{`{"frmaes": 3}`, "frmaes"},
		{`{"family": "quads"}`, "quads"},
		{`{"frames": -1}`, "frames"},
		{`{"sampling": {"top_p": 2}}`, "top-p"},
		{`{"sampling": {"temprature": 2}}`, "temprature"},
		{`[1]`, "line 1"},
		{strings.Repeat("x", maxLineBytes+1), "too long"},
	} {
		_, err := DecodeManifest(strings.NewReader(c.line), Request{Family: Video})
		if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%.40s: error %v, want ErrManifest about %q", c.line, err, c.why)
		}
	}
}

// TestManifestFiles reads the files of testdata as the command does.
func TestManifestFiles(t *testing.T) {
	base := Request{Family: Video, Prefix: 16, Frames: 48}
	got, err := Manifest{Base: base, Check: (*Request).CheckGenerate}.Read("testdata/bom.jsonl")
	if err != nil || len(got) != 1 || got[0].ID != "a" || got[0].Input != "testdata/a.mp4" {
		t.Errorf("bom.jsonl: %+v, error %v", got, err)
	}
	for _, c := range []struct{ file, why string }{
		{"frames0.jsonl", "testdata/frames0.jsonl:1: prefix 16 and frames 0: both are at least 1"},
		{"prefix0.jsonl", "testdata/prefix0.jsonl:2: prefix 0 and frames 48: both are at least 1"},
		{"utf16.jsonl", "testdata/utf16.jsonl:1: not UTF-8"},
		{"latin1.jsonl", "testdata/latin1.jsonl:2: not UTF-8"},
		{"array.jsonl", "testdata/array.jsonl:1: a list; a manifest has one object"},
		{"empty_input.jsonl", "testdata/empty_input.jsonl:1: \"input\" is empty"},
		{"", "testdata is a folder"},
	} {
		_, err := Manifest{Base: base, Check: (*Request).CheckGenerate}.Read(filepath.Join("testdata", c.file))
		if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: error %v, want ErrManifest with %q", c.file, err, c.why)
		}
	}
}

func TestCheckGenerate(t *testing.T) {
	for _, c := range []struct {
		family    Family
		line, why string
	}{
		{Video, `{"input": "a", "frames": 0}`, "at least 1"},
		{Video, `{"id": "a"}`, "no input"},
		{Video, `{"input": "a", "faces": 3}`, `"faces" is no field of video`},
		{Shape, `{"input": "a", "frames": 3}`, `"frames" is no field of shape`},
		{Shape, `{"id": "a", "prefix_depth": 3}`, "needs an input"},
		{Quads, `{"input": "a", "faces": 0}`, "faces 0: at least 1"},
		{Quads, `{"input": "a", "depth": 5}`, `"depth" is no field of quads`},
		{Video, `{"input": "a"}`, ""},
		{Shape, `{"id": "a", "depth": 6}`, ""},
		{Shape, `{"input": "a", "prefix_depth": 4}`, ""},
		{Quads, `{"input": "a"}`, ""},
	} {
		base := map[Family]Request{Video: {Prefix: 16, Frames: 48}, Shape: {}, Quads: {Faces: 800}}[c.family]
		base.Family = c.family
		_, err := Manifest{Base: base, Check: (*Request).CheckGenerate, Name: "m"}.Decode(strings.NewReader(c.line))
		if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), "m:1: ") || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%s %s: error %v, want %q", c.family, c.line, err, c.why)
		}
	}
}

func TestCheckTokenize(t *testing.T) {
	for _, c := range []struct {
		flag int
		line string
		want int
		why  string
	}{
		{0, `{"input": "a"}`, 0, ""},
		{8, `{"input": "a"}`, 8, ""},
		{8, `{"input": "a", "frames": 4}`, 4, ""},
		{8, `{"input": "a", "prefix": 4}`, 4, ""},
		{8, `{"input": "a", "frames": 0}`, 0, ""},
		{0, `{"input": "a", "frames": 4, "prefix": 2}`, 0, "both say"},
		{0, `{"id": "a"}`, 0, "no input"},
	} {
		base := Request{Family: Video, Frames: c.flag}
		got, err := Manifest{Base: base, Check: func(r *Request) error { return r.CheckTokenize(c.flag) }}.Decode(strings.NewReader(c.line))
		switch {
		case c.why != "":
			if err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%s: error %v, want %q", c.line, err, c.why)
			}
		case err != nil || got[0].Prefix != c.want || got[0].Frames != 0:
			t.Errorf("%s over --frames %d: %+v, error %v, want prefix %d", c.line, c.flag, got, err, c.want)
		}
	}
}

// TestManifestPaths: inputs are relative to the manifest, and what the run writes
// is read from anywhere.
func TestManifestPaths(t *testing.T) {
	makeFiles(t, "set/clips/a.mp4", "b.mp4")
	abs, err := filepath.Abs("b.mp4")
	if err != nil {
		t.Fatal(err)
	}
	text := `{"input": "clips/a.mp4"}` + "\n" + `{"input": "../b.mp4"}` + "\n" + `{"input": ` + string(mustJSON(t, abs)) + `, "id": "c"}` + "\n"
	if err := os.WriteFile("set/m.jsonl", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := ReadManifest("set/m.jsonl", Request{Family: Video})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"set/clips/a.mp4", "b.mp4", abs} {
		if got[i].Input != want {
			t.Errorf("input %d is %s, want %s", i, got[i].Input, want)
		}
	}
	var again strings.Builder
	if err := Encode(&again, Absolute(got)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("set/clips/again.jsonl", []byte(again.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, r := range got {
		keys[r.Fingerprint("generate", "m")] = true
	}
	t.Chdir("set")
	got, err = ReadManifest("clips/again.jsonl", Request{Family: Video})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got {
		if _, err := os.Stat(r.Input); err != nil {
			t.Error(err)
		}
		if !keys[r.Fingerprint("generate", "m")] {
			t.Errorf("%s has another fingerprint by its absolute path", r.ID)
		}
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestOwnFields: a user's columns stay, and change no fingerprint.
func TestOwnFields(t *testing.T) {
	const text = `{"id": "a", "input": "a.mp4", "label": "cat", "score": 0.10, "speed of it": {"x": [1, 2]}, "extra": {"seeds": 3}}`
	got, err := DecodeManifest(strings.NewReader(text), Request{Family: Video})
	if err != nil {
		t.Fatal(err)
	}
	r := got[0]
	for name, want := range map[string]string{"label": `"cat"`, "score": "0.10", "speed of it": `{"x":[1,2]}`, "seeds": "3"} {
		if s := strings.ReplaceAll(string(r.Extra[name]), " ", ""); s != want {
			t.Errorf("%s is %s, want %s", name, s, want)
		}
	}
	plain := r
	plain.Extra = nil
	if r.Fingerprint("generate", "m") != plain.Fingerprint("generate", "m") {
		t.Error("a label changes the fingerprint")
	}
	var out strings.Builder
	if err := Encode(&out, got); err != nil {
		t.Fatal(err)
	}
	again, err := DecodeManifest(strings.NewReader(out.String()), Request{Family: Video})
	if err != nil || len(again[0].Extra) != 4 || string(again[0].Extra["score"]) != "0.10" {
		t.Errorf("read back as %v, error %v", again, err)
	}
}

func TestNearMisses(t *testing.T) {
	for _, c := range []struct{ line, why string }{
		{`{"frmaes": 3}`, `did you mean "frames"?`},
		{`{"Frames": 3}`, `did you mean "frames"?`},
		{`{"ID": "a"}`, `did you mean "id"?`},
		{`{"inputs": "a"}`, `did you mean "input"?`},
		{`{"prefix-depth": 3}`, `did you mean "prefix_depth"?`},
		{`{"prefixDepth": 3}`, `did you mean "prefix_depth"?`},
		{`{"temprature": 0}`, `did you mean "sampling": {"temperature": …}?`},
		{`{"temperature": 0}`, `did you mean "sampling": {"temperature": …}?`},
		{`{"top-k": 0}`, `"top_k"`},
		{`{"sampling": {"topp": 0.5}}`, `did you mean "top_p"?`},
		{`{"sampling": {"beams": 2}}`, `unknown field "beams" of "sampling"`},
		{`{"model": "m"}`, `"model" is a flag`},
		{`{"label": 1, "extra": {"label": 2}}`, `"label" stands in "extra" too`},
		{`{"extra": 5}`, `"extra" must be an object`},
		{`{"frames": "3"}`, `"frames" must be a whole number, not string`},
		{`{"frames": 1.5}`, `"frames" must be a whole number, not 1.5`},
		{`{"seed": -1}`, `"seed" must be a whole number from 0`},
		{`{"id": 5}`, `"id" must be a text`},
		{`{"sampling": {"top_k": "x"}}`, `"sampling.top_k" must be a whole number`},
		{`{"id": "a"}]`, "not JSON"},
		{"{\n" + `"id": "a"}`, "line 1: the line ends inside an object"},
		{`{"label": ` + strings.Repeat("[", 17) + strings.Repeat("]", 17) + `}`, "nested over 16"},
		{`{"label": "` + strings.Repeat("x", MaxExtraBytes) + `"}`, "over 16384 bytes"},
	} {
		_, err := DecodeManifest(strings.NewReader(c.line), Request{Family: Video})
		if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%.60s: error %v, want %s", c.line, err, c.why)
		}
	}
	for _, name := range []string{"label", "kind", "url", "score", "tags", "title", "fps", "caption", "split", "idx", "uid", "output", "class", "sample", "Größe"} {
		if _, err := DecodeManifest(strings.NewReader(`{"`+name+`": 1}`), Request{Family: Video}); err != nil {
			t.Errorf("%s is not taken as a user's own: %v", name, err)
		}
	}
}

func TestUnicodeIDs(t *testing.T) {
	const nfd, nfc = "Ame\u0301lie", "Am\u00e9lie"
	got, err := DecodeManifest(strings.NewReader(`{"id": "`+nfd+`"}`+"\n"+`{"input": "x/`+nfd+` 2.mp4"}`+"\n"+`{"id": "日本-1"}`), Request{Family: Video})
	if err != nil || got[0].ID != nfc || got[1].ID != nfc+"-2" || got[2].ID != "日本-1" {
		t.Fatalf("%+v, error %v", got, err)
	}
	for _, pair := range [][2]string{{nfd, nfc}, {"Straße", "STRASSE"}, {"ΣΊΣΥΦΟΣ", "σίσυφος"}, {"ＡＢ", "ａｂ"}, {"x", "X"}} {
		_, err := DecodeManifest(strings.NewReader(`{"id": "`+pair[0]+`"}`+"\n"+`{"id": "`+pair[1]+`"}`), Request{Family: Video})
		if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), "taken") {
			t.Errorf("%q and %q: error %v", pair[0], pair[1], err)
		}
	}
	for _, bad := range []string{"a/b", "a\\b", ".a", "-a", "a b", "a\tb", "a\u200bb", "a\u202eb", "\u0301a", "a\ufffdb", strings.Repeat("日", 41), ""} {
		if IsName(bad) {
			t.Errorf("%q passes as a name", bad)
		}
	}
	for _, good := range []string{"日本", "नमस्ते", "٣٤", "Ω.v-1_x", strings.Repeat("日", 40)} {
		if !IsName(good) {
			t.Errorf("%q does not pass as a name", good)
		}
	}
}

// FuzzName: whatever a path is, it gives a name, and another one if that is taken.
func FuzzName(f *testing.F) {
	for _, s := range []string{"", "a.mp4", "日本.mp4", "e\u0301.x", "\xff\xfe", strings.Repeat("한", 99), "<\u0338a", "-\u0301", "a🎬\u0301", ".", "..", "/", "ﬀ", "\xf7\u0374"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		name := Name(path)
		if !IsName(name) || Normal(name) != name {
			t.Fatalf("Name(%q) = %q is no name", path, name)
		}
		taken := names{}
		taken.claim(name)
		for range 3 {
			other := taken.take(name, path)
			if !IsName(other) || Fold(other) == Fold(name) {
				t.Fatalf("beside %q: %q", name, other)
			}
		}
		if text := Spell(path); !utf8.ValidString(text) || utf8.ValidString(path) && text != path {
			t.Fatalf("%q is spelled %q", path, text)
		}
	})
}

func FuzzManifest(f *testing.F) {
	for _, s := range []string{
		`{"start":"1m30s","fit":"letterbox"}`, `{"start":2.5}`,
		"", `{"id":"a","input":"a.mp4"}`, `{"input":"a"}` + "\n" + `{"input":"a"}`, `{"sampling":null}`, "{\"id\":\"\\u0000\"}", `{"row":1e99}`,
		"\ufeff" + `{"id":"a"}`, `{"id":"日本"}` + "\n" + `{"id":"e\u0301"}`, `{"label":[{"a":"\u2028"}],"extra":{"seeds":1e400}}`, `{"Frames":1}`,
		`{"input":"../a b/é.mp4"}`, `{"input":"/x/y.mp4","frames":0}`, `{"extra":null}`, `{"extra":{"a":1},"a":2}`, "{\"label\":\"\xff\"}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		base := Request{Family: Video, Frames: 1, Sampling: &Sampling{Temperature: 1, TopP: 1}}
		requests, err := DecodeManifest(strings.NewReader(text), base)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Fatalf("error %v", err)
			}
			return
		}
		seen := map[string]bool{}
		inDir, err := Manifest{Base: base, Dir: "d/e", Name: "m"}.Decode(strings.NewReader(text))
		if err != nil || len(inDir) != len(requests) {
			t.Fatalf("in a folder %d of %d requests, error %v", len(inDir), len(requests), err)
		}
		for i, r := range requests {
			if err := r.Validate(); err != nil || seen[Fold(r.ID)] {
				t.Fatalf("%+v: %v, seen %v", r, err, seen[Fold(r.ID)])
			}
			seen[Fold(r.ID)] = true
			want := r.Input
			if want != "" && !filepath.IsAbs(want) {
				want = filepath.Join("d/e", want)
			}
			if inDir[i].Input != want {
				t.Fatalf("%q in a folder is %q", r.Input, inDir[i].Input)
			}
		}
		var again strings.Builder
		if err := Encode(&again, requests); err != nil {
			t.Fatal(err)
		}
		back, err := DecodeManifest(strings.NewReader(again.String()), Request{Family: Video})
		if err != nil {
			t.Fatalf("what Encode wrote: %v", err)
		}
		var third strings.Builder
		if err := Encode(&third, back); err != nil || third.String() != again.String() {
			t.Fatalf("written again, %v:\n%s\n%s", err, again.String(), third.String())
		}
	})
}
