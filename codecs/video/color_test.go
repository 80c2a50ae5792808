package video

import (
	"fmt"
	"testing"
)

// flat makes a one-colour lossless file with given YUV samples and flags: no conversion
// of ffmpeg's stands between the numbers and the file.
func flat(t *testing.T, y, u, v int, flags ...string) string {
	t.Helper()
	// The source is full-range yuv444p; only the flags are set anew, by setparams.
	lut := fmt.Sprintf("format=yuv444p,geq=lum=%d:cb=%d:cr=%d", y, u, v)
	args := []string{"-f", "lavfi", "-i", "color=s=64x64:r=25", "-frames:v", "1", "-vf", lut}
	return generate(t, "flat.mp4", append(append(args, "-c:v", "libx264", "-qp", "0"), flags...)...)
}

// yuvToRGB is the definition: Kr and Kb of the matrix, limited or full range.
func yuvToRGB(y, u, v, kr, kb float64, full bool) [3]float64 {
	ys, cs, y0 := 219.0, 224.0, 16.0
	if full {
		ys, cs, y0 = 255, 255, 0
	}
	l, pb, pr := (y-y0)/ys, (u-128)/cs, (v-128)/cs
	r := l + 2*(1-kr)*pr
	b := l + 2*(1-kb)*pb
	g := (l - kr*r - kb*b) / (1 - kr - kb)
	return [3]float64{255 * r, 255 * g, 255 * b}
}

func TestMatrixAndRange(t *testing.T) {
	for _, c := range []struct {
		space, matrix string
		kr, kb        float64
	}{
		{"smpte170m", "bt601", 0.299, 0.114},
		{"bt470bg", "bt601", 0.299, 0.114},
		{"bt709", "bt709", 0.2126, 0.0722},
		{"bt2020nc", "bt2020", 0.2627, 0.0593},
		{"smpte240m", "smpte240m", 0.212, 0.087},
	} {
		for _, rng := range []string{"tv", "pc"} {
			path := flat(t, 120, 90, 150, "-colorspace", c.space, "-color_range", rng)
			got, info := read(t, path, Options{})
			want := yuvToRGB(120, 90, 150, c.kr, c.kb, rng == "pc")
			for i, w := range want {
				if d := float64(got.Pix[i]) - w; d > 1.5 || d < -1.5 {
					t.Errorf("%s %s: %v, want %.1f", c.space, rng, got.Pix[:3], want)
					break
				}
			}
			if info.Matrix != c.matrix || (info.Range == "full") != (rng == "pc") {
				t.Errorf("%s %s: probed %s %s", c.space, rng, info.Matrix, info.Range)
			}
		}
	}
}

func TestUnnamedMatrixGoesBySize(t *testing.T) {
	for _, c := range []struct {
		size   string
		kr, kb float64
		matrix string
	}{
		{"704x576", 0.299, 0.114, "bt601"},
		{"1280x720", 0.2126, 0.0722, "bt709"},
	} {
		path := generate(t, "a.mkv", "-f", "lavfi", "-i", "color=r=25:s="+c.size, "-frames:v", "1",
			"-vf", "format=yuv420p,geq=lum=120:cb=90:cr=150,setparams=colorspace=unknown:range=tv", "-c:v", "ffv1")
		got, info := read(t, path, Options{})
		want := yuvToRGB(120, 90, 150, c.kr, c.kb, false)
		for i, w := range want {
			if d := float64(got.Pix[i]) - w; d > 1.5 || d < -1.5 {
				t.Errorf("%s: %v, want %.1f", c.size, got.Pix[:3], want)
				break
			}
		}
		if info.Matrix != c.matrix {
			t.Errorf("%s: probed %s", c.size, info.Matrix)
		}
	}
}
