package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"reflect"
	"testing"
)

func TestStillOverGrey(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 3, 1))
	img.Set(0, 0, color.NRGBA{200, 100, 50, 255})
	img.Set(1, 0, color.NRGBA{200, 100, 50, 0})
	img.Set(2, 0, color.NRGBA{228, 128, 28, 128})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	c, err := decodeStill(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := []uint8{200, 100, 50, 128, 128, 128, 178, 128, 78}
	if !reflect.DeepEqual(c.Pix, want) || c.W != 3 || c.H != 1 || c.T != 1 {
		t.Fatalf("%v, want %v", c.Pix, want)
	}
}
