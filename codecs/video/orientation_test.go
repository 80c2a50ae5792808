package video

import (
	"encoding/binary"
	"fmt"
	"os"
	"testing"

	"github.com/asticode/go-astiav"

	"github.com/morton-gen/morton/codecs/clip"
)

// rotated has ffmpeg mark a clip as turned, without touching its frames.
func rotated(t *testing.T, degrees int) string {
	t.Helper()
	plain := generate(t, "plain.mp4", append(testsrc(64, 48, 25, 5), "-pix_fmt", "yuv444p")...)
	return generate(t, "turned.mp4", "-i", plain, "-c", "copy", "-metadata:s:v:0", fmt.Sprintf("rotate=%d", degrees))
}

// turn is a clip turned clockwise by quarter turns, pixel by pixel.
func turn(c *clip.Clip, quarters int) *clip.Clip {
	for range quarters {
		o := clip.New(c.T, c.W, c.H, c.Rate)
		for t := range c.T {
			src, dst := c.Frame(t), o.Frame(t)
			for y := range c.H {
				for x := range c.W {
					copy(dst[3*(x*o.W+c.H-1-y):][:3], src[3*(y*c.W+x):])
				}
			}
		}
		c = o
	}
	return c
}

func TestRotationIsApplied(t *testing.T) {
	for _, degrees := range []int{0, 90, 180, 270} {
		path := rotated(t, degrees)
		c, info := read(t, path, Options{})
		upright := reference(t, path, "", c.W, c.H) // the command turns by itself
		wantPSNR(t, c, upright, 60)
		stored := &clip.Clip{T: 5, H: 48, W: 64, Pix: run(t, "ffmpeg", "-v", "error", "-noautorotate", "-i", path,
			"-vf", "scale=flags="+swsFlags+",format=rgb24", "-f", "rawvideo", "-")}
		want := turn(stored, info.Rotation/90)
		wantPSNR(t, c, want, 60)
		if info.W != c.W || info.H != c.H || (degrees%180 == 90) != (c.W == 48) {
			t.Errorf("%d degrees: info %d x %d, frames %d x %d", degrees, info.W, info.H, c.W, c.H)
		}
		// Which way rotate=90 turns changed between FFmpeg's versions; the frames decide above.
		if (info.Rotation-degrees)%180 != 0 || info.Mirrored {
			t.Errorf("%d degrees: %+v", degrees, info)
		}
	}
}

// TestMirroredMatrices writes all eight matrices into the track header and compares with
// the geometry that the matrix defines.
func TestMirroredMatrices(t *testing.T) {
	plain := readFile(t, generate(t, "plain.mp4", append(testsrc(64, 48, 25, 2), "-pix_fmt", "yuv444p")...))
	at := tkhdMatrix(t, plain)
	base, _ := read(t, writeFile(t, "a.mp4", plain), Options{})
	const one = 1 << 16
	for _, m := range [][4]int32{
		{one, 0, 0, one},
		{-one, 0, 0, one},
		{one, 0, 0, -one},
		{-one, 0, 0, -one},
		{0, one, one, 0},
		{0, -one, one, 0},
		{0, one, -one, 0},
		{0, -one, -one, 0},
	} {
		for i, v := range []int{0, 4, 12, 16} {
			binary.BigEndian.PutUint32(plain[at+v:], uint32(m[i]))
		}
		path := writeFile(t, "m.mp4", plain)
		c, info := read(t, path, Options{})
		wantPSNR(t, c, mapped(base, m), 40)
		if info.Mirrored != (int64(m[0])*int64(m[3])-int64(m[1])*int64(m[2]) < 0) {
			t.Errorf("%v: Mirrored %v", m, info.Mirrored)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// tkhdMatrix finds the matrix of the only track header: 40 bytes after its version 0 fields begin.
func tkhdMatrix(t *testing.T, b []byte) int {
	t.Helper()
	for i := 0; i+96 < len(b); i++ {
		if string(b[i:i+4]) == "tkhd" && b[i+4] == 0 {
			return i + 4 + 40
		}
	}
	t.Fatal("no tkhd box")
	return 0
}

// mapped moves every pixel by x' = a·x + c·y, y' = b·x + d·y and shifts the result to the origin.
func mapped(c *clip.Clip, m [4]int32) *clip.Clip {
	sign := func(v int32) int { return int(v) >> 16 }
	a, b, cc, d := sign(m[0]), sign(m[1]), sign(m[2]), sign(m[3])
	o := clip.New(c.T, c.H, c.W, c.Rate)
	if a == 0 {
		o = clip.New(c.T, c.W, c.H, c.Rate)
	}
	shift := func(v, n int) int { return (v + n) % n } // a negative axis counts from -1 down
	for t := range c.T {
		for y := range c.H {
			for x := range c.W {
				tx, ty := a*x+cc*y, b*x+d*y
				if a < 0 || cc < 0 {
					tx--
				}
				if b < 0 || d < 0 {
					ty--
				}
				copy(o.Frame(t)[3*(shift(ty, o.H)*o.W+shift(tx, o.W)):][:3], c.Frame(t)[3*(y*c.W+x):])
			}
		}
	}
	return o
}

func TestOrientationOfAnyAngle(t *testing.T) {
	for angle, want := range map[float64]int{0: 0, 10: 0, 80: 90, 90: 90, 100: 90, 180: 180, 190: 180, 270: 270, 359: 0} {
		got := orientationOf(astiav.NewDisplayMatrixFromRotation(angle).Bytes())
		if got.degrees != want || got.mirrored {
			t.Errorf("%v degrees: %+v, want %d", angle, got, want)
		}
	}
	if orientationOf(nil) != upright || orientationOf(make([]byte, 35)) != upright {
		t.Error("a short matrix must be upright")
	}
}
