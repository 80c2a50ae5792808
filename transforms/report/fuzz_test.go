package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

var aFile = claim.File{Path: "video/a.mp4", Size: 3, SHA256: strings.Repeat("ab", 32)}

func aResult() Result {
	return Result{
		Request: request.Request{ID: "a", Family: request.Video, Input: "a.mp4", Seed: 1, Sampling: &request.Plain},
		Action:  Generate, Model: "m", Output: "video/a.mp4", TokenCount: 2, Measures: family.Measures{"x": 0.5},
	}
}

// fuzz gives decode bytes: what it takes comes back the same through encode, and
// what it refuses is refused by the sentinel.
func fuzz[T any](f *testing.F, refused error, decode func(io.Reader) (T, error), encode func(io.Writer, T) error, seeds ...T) {
	for _, s := range seeds {
		var b bytes.Buffer
		if err := encode(&b, s); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	for _, text := range []string{"", "{}", "null", "[]", "{\n}\n", `{"id":"../../x","family":"video"}`, `{"id":"a","family":"..","files":[{"path":"../x"}]}`, strings.Repeat("[", 1<<12)} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := decode(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, refused) {
				t.Fatalf("error %v, want %v", err, refused)
			}
			return
		}
		var b bytes.Buffer
		if err := encode(&b, first); err != nil {
			t.Fatal(err)
		}
		second, err := decode(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, b.Bytes())
		}
		var again bytes.Buffer
		if err := encode(&again, second); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Fatalf("%s came back as %s, %v", b.Bytes(), again.Bytes(), err)
		}
	})
}

func FuzzResults(f *testing.F) {
	fuzz(f, ErrRows, DecodeResults, encodeRows[Result], []Result{aResult(), {Request: request.Request{ID: "b", Family: request.Quads}}})
}

func FuzzFailures(f *testing.F) {
	fuzz(f, ErrRows, DecodeFailures, encodeRows[Failure], []Failure{{ID: "a", Family: request.Video, Input: "a.mp4", Stage: "decode", Kind: "empty", Message: "\x00<>"}})
}

func FuzzMarker(f *testing.F) {
	fuzz(f, ErrMarker, DecodeMarker, EncodeMarker, Marker{Fingerprint: "f", Source: "../a.mp4", Files: claim.Files{aFile}, Result: aResult()})
}

func FuzzFolderMarker(f *testing.F) {
	fuzz(f, ErrMarker, DecodeFolder, EncodeFolder, claim.Files{aFile, aFile})
}

func FuzzSummary(f *testing.F) {
	fuzz(f, ErrSummary, DecodeSummary, encodeSummary, Summary{Action: Generate, Done: 1, Kinds: map[string]int{"empty": 1}})
}

// TestMarkersNameNothingElsewhere checks that bytes which say that a file elsewhere is
// ours are no marker, so nothing there is ever read, replaced or removed.
func TestMarkersNameNothingElsewhere(t *testing.T) {
	for name, change := range map[string]func(*Marker){
		"file":   func(m *Marker) { m.Files[0].Path = "../x" },
		"root":   func(m *Marker) { m.Files[0].Path = "/etc/passwd" },
		"hash":   func(m *Marker) { m.Files[0].SHA256 = "ab" },
		"id":     func(m *Marker) { m.Result.ID = "../x" },
		"family": func(m *Marker) { m.Result.Family = "../video" },
		"output": func(m *Marker) { m.Result.Output = "../x.mp4" },
	} {
		m := Marker{Files: claim.Files{aFile}, Result: aResult()}
		var b bytes.Buffer
		if err := EncodeMarker(&b, m); err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeMarker(bytes.NewReader(b.Bytes())); err != nil || !reflect.DeepEqual(back, m) {
			t.Errorf("%+v came back as %+v, %v", m, back, err)
		}
		change(&m)
		b.Reset()
		if err := EncodeMarker(&b, m); err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeMarker(&b); !errors.Is(err, ErrMarker) {
			t.Errorf("%s: error %v, want ErrMarker", name, err)
		}
	}
}

func FuzzIndex(f *testing.F) {
	decode := func(r io.Reader) ([]indexed, error) { return decodeIndex(r, request.Video) }
	encode := func(w io.Writer, all []indexed) error {
		for i := range all {
			if err := json.NewEncoder(w).Encode(&all[i]); err != nil {
				return err
			}
		}
		return nil
	}
	marker := Marker{Fingerprint: "f", Source: "a.mp4", Files: claim.Files{aFile}, Result: aResult()}
	fuzz(f, ErrMarker, decode, encode, []indexed{{stamp{5, 7, ""}, marker}, {stamp{5, 0, "tag"}, marker}})
}
