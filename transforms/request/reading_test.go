package request

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestReading reads start and fit as people write them, and writes them back.
func TestReading(t *testing.T) {
	for line, want := range map[string]Request{
		`{"input":"a.mp4","start":90}`:                        {Start: Time(90 * time.Second)},
		`{"input":"a.mp4","start":1.5}`:                       {Start: Time(1500 * time.Millisecond)},
		`{"input":"a.mp4","start":"1m30s","fit":"letterbox"}`: {Start: Time(90 * time.Second), Fit: Letterbox},
		`{"input":"a.mp4","start":"90","fit":"crop"}`:         {Start: Time(90 * time.Second)},
		`{"input":"a.mp4","start":null,"fit":"crop"}`:         {},
	} {
		got, err := DecodeManifest(strings.NewReader(line), Request{Family: Video})
		if err != nil || got[0].Start != want.Start || got[0].Fit != want.Fit {
			t.Errorf("%s: %+v, %v", line, got, err)
			continue
		}
		var text strings.Builder
		if err := Encode(&text, got); err != nil {
			t.Fatal(err)
		}
		again, err := DecodeManifest(strings.NewReader(text.String()), Request{})
		if err != nil || again[0].Start != got[0].Start || again[0].Fit != got[0].Fit {
			t.Errorf("%s came back as %s: %v", line, text.String(), err)
		}
	}
}

func TestReadingRefuses(t *testing.T) {
	for _, field := range []string{
		`"start":-1`, `"start":"soon"`, `"start":1e300`, `"start":"2000h"`, `"start":[1]`, `"start":"NaN"`, `"fit":"squeeze"`, `"fit":""`,
	} {
		if _, err := DecodeManifest(strings.NewReader(`{"input":"a.mp4",`+field+`}`), Request{Family: Video}); !errors.Is(err, ErrManifest) {
			t.Errorf("%s: %v, want ErrManifest", field, err)
		}
	}
}

// TestReadingIsPartOfTheFingerprint checks that another start or fit is another result,
// and that saying what is so anyway is not.
func TestReadingIsPartOfTheFingerprint(t *testing.T) {
	r := Request{ID: "a", Family: Video}
	plain := r.Fingerprint("generate", "m")
	r.Fit = Crop
	if r.Fingerprint("generate", "m") != plain {
		t.Error("--fit crop is another request than none")
	}
	r.Fit = Letterbox
	boxed := r.Fingerprint("generate", "m")
	r.Start = Time(time.Second)
	if boxed == plain || r.Fingerprint("generate", "m") == boxed {
		t.Error("fit or start do not count")
	}
}
