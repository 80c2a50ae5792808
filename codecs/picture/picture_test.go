package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"slices"
	"sync"
	"testing"
)

func ramp(h, w int) *Picture {
	p := &Picture{H: h, W: w, Pix: make([]uint8, 3*h*w)}
	for i := range p.Pix {
		p.Pix[i] = uint8(7*i + i/251)
	}
	return p
}

func encoded(tb testing.TB, p *Picture) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := EncodePNG(&b, p); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, s := range [][2]int{{1, 1}, {3, 5}, {64, 17}} {
		p := ramp(s[0], s[1])
		data := encoded(t, p)
		if color := data[25]; color != 2 {
			t.Errorf("%v: colour type %d, want 2, without transparency", s, color)
		}
		got, err := Decode(data, s[0]*s[1])
		if err != nil || got.H != p.H || got.W != p.W || !slices.Equal(got.Pix, p.Pix) {
			t.Errorf("%v: not what was written: %v", s, err)
		}
		if !bytes.Equal(encoded(t, p), data) {
			t.Errorf("%v: the bytes differ from time to time", s)
		}
	}
}

// TestKinds holds what becomes of pictures that are not eight bits of three colours.
func TestKinds(t *testing.T) {
	r := image.Rect(0, 0, 1, 1)
	for name, c := range map[string]struct {
		m    image.Image
		want [3]uint8
	}{
		"grey":        {&image.Gray{Pix: []uint8{77}, Stride: 1, Rect: r}, [3]uint8{77, 77, 77}},
		"16 bits":     {&image.NRGBA64{Pix: []uint8{1, 200, 2, 100, 3, 50, 255, 255}, Stride: 8, Rect: r}, [3]uint8{1, 2, 3}},
		"transparent": {&image.NRGBA{Pix: []uint8{9, 8, 7, 0}, Stride: 4, Rect: r}, [3]uint8{9, 8, 7}},
		"half":        {&image.NRGBA{Pix: []uint8{200, 100, 50, 128}, Stride: 4, Rect: r}, [3]uint8{200, 100, 50}},
		"palette":     {&image.Paletted{Pix: []uint8{1}, Stride: 1, Rect: r, Palette: color.Palette{color.Black, color.NRGBA{4, 5, 6, 255}}}, [3]uint8{4, 5, 6}},
	} {
		var b bytes.Buffer
		if err := png.Encode(&b, c.m); err != nil {
			t.Fatal(err)
		}
		p, err := Decode(b.Bytes(), 1)
		if err != nil || !slices.Equal(p.Pix, c.want[:]) {
			t.Errorf("%s: %v, want %v: %v", name, p, c.want, err)
		}
	}
}

func TestJPEG(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 16, 8))
	for i := range m.Pix {
		m.Pix[i] = []uint8{180, 90, 40, 255}[i%4]
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	p, err := Decode(b.Bytes(), 128)
	if err != nil || p.H != 8 || p.W != 16 {
		t.Fatalf("%v: %v", p, err)
	}
	for i, x := range p.Pix {
		if math.Abs(float64(x)-float64(m.Pix[i/3*4+i%3])) > 3 {
			t.Fatalf("byte %d is %d", i, x)
		}
	}
}

func TestErrors(t *testing.T) {
	good := encoded(t, ramp(4, 6))
	for name, c := range map[string]struct {
		data []byte
		max  int
		want error
	}{
		"empty":     {nil, 100, ErrFormat},
		"text":      {[]byte("hello"), 100, ErrFormat},
		"a JPEG?":   {[]byte("\xff\xd8\xff"), 100, ErrFormat},
		"cut":       {good[:len(good)-20], 100, ErrFormat},
		"header":    {good[:33], 100, ErrFormat},
		"large":     {good, 23, ErrLimit},
		"no pixels": {good, 0, ErrLimit},
	} {
		if _, err := Decode(c.data, c.max); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, p := range []*Picture{{}, {H: 1, W: 1, Pix: make([]uint8, 4)}, {H: 2, W: 2, Pix: make([]uint8, 9)}, {H: -1, W: -1, Pix: make([]uint8, 3)}, {H: 1 << 62, W: 4, Pix: nil}} {
		if err := EncodePNG(&bytes.Buffer{}, p); !errors.Is(err, ErrShape) {
			t.Errorf("%d by %d with %d bytes: %v", p.H, p.W, len(p.Pix), err)
		}
	}
}

// FuzzDecode holds that what is read keeps to the limit and survives a round trip.
func FuzzDecode(f *testing.F) {
	f.Add(encoded(f, ramp(4, 6)))
	var b bytes.Buffer
	m, err := ramp(9, 8).Image()
	if err != nil {
		f.Fatal(err)
	}
	if err := jpeg.Encode(&b, m, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 12
		p, err := Decode(data, limit)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrLimit) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if p.H*p.W > limit || len(p.Pix) != 3*p.H*p.W {
			t.Fatalf("%d by %d with %d bytes", p.H, p.W, len(p.Pix))
		}
		again, err := Decode(encoded(t, p), limit)
		if err != nil || !slices.Equal(again.Pix, p.Pix) {
			t.Fatalf("a round trip changes it: %v", err)
		}
	})
}

func ExampleDecode() {
	var file bytes.Buffer
	if err := EncodePNG(&file, &Picture{H: 1, W: 2, Pix: []uint8{255, 0, 0, 0, 0, 255}}); err != nil {
		panic(err)
	}
	p, err := Decode(file.Bytes(), 1<<22)
	if err != nil {
		panic(err)
	}
	fmt.Println(p.H, p.W, p.Pix)
	// Output: 1 2 [255 0 0 0 0 255]
}

// TestWritePNGReusesBuffers writes images one after the other and side by side: each has
// the bytes that the standard encoder gives it.
func TestWritePNGReusesBuffers(t *testing.T) {
	var all sync.WaitGroup
	for i := range 24 {
		m := image.NewRGBA(image.Rect(0, 0, 3+17*(i%5), 5+i))
		for j := range m.Pix {
			m.Pix[j] = byte(j * (i + 1) % 251)
		}
		var want bytes.Buffer
		if err := png.Encode(&want, m); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for range 3 {
				var got bytes.Buffer
				if err := WritePNG(&got, m); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
					t.Errorf("image %d: %d bytes of %d, %v", i, got.Len(), want.Len(), err)
				}
			}
		})
	}
	all.Wait()
}
