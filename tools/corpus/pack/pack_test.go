package pack

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

func sources() []Source {
	a, b := clip.New(3, 20, 30, clip.Rate{Num: 25, Den: 1}), clip.New(1, 16, 16, clip.Rate{Num: 25, Den: 1})
	for i := range a.Pix {
		a.Pix[i] = uint8(i/90 + 40*(i%3))
	}
	for i := range b.Pix {
		b.Pix[i] = 128
	}
	return []Source{
		{Name: "a", Licence: "CC0-1.0", Credit: "nobody", Weight: 2, Clip: a},
		{Name: "b", Licence: "MIT", Credit: "somebody", HeldOut: true, Weight: 1, Clip: b},
	}
}

func written(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.zip")
	if err := Write(path, sources()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRoundTrip(t *testing.T) {
	path := written(t)
	list, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range sources() {
		got := list[i]
		if got.Name != want.Name || got.Licence != want.Licence || got.Credit != want.Credit || got.HeldOut != want.HeldOut || got.Weight != want.Weight || got.Frames != want.Clip.T {
			t.Errorf("%+v, want %+v", got, want)
		}
		if db, err := clip.PSNR(got.Clip, want.Clip); err != nil || db < 35 {
			t.Errorf("%s: %.1f dB: %v", want.Name, db, err)
		}
	}
	again := written(t)
	a, _ := os.ReadFile(path)
	b, _ := os.ReadFile(again)
	if !bytes.Equal(a, b) {
		t.Error("equal sources give two files")
	}
}

func TestBroken(t *testing.T) {
	good, err := os.ReadFile(written(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"empty": nil, "cut": good[:len(good)/2], "no zip": []byte("hello")} {
		path := filepath.Join(t.TempDir(), "a.zip")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); !errors.Is(err, ErrPack) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, list := range map[string]string{
		"no list": "", "no JSON": "x", "many frames": `[{"name": "a", "frames": 2000000000}]`, "no frames": `[{"name": "a"}]`, "a frame that is not there": `[{"name": "a", "frames": 1}]`,
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		if list != "" {
			w, err := z.Create(listName)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(list)); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(r); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	good, err := os.ReadFile(written(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:200])
	f.Fuzz(func(t *testing.T, data []byte) {
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		list, err := read(z)
		for _, s := range list {
			if err == nil && s.Clip.Validate() != nil {
				t.Errorf("%s has no whole clip", s.Name)
			}
		}
	})
}
