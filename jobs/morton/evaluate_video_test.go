package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/clip/measure"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// sliding is a clip in which a bright square moves by dx a frame.
func sliding(frames, size, dx int) *clip.Clip {
	c := clip.New(frames, size, size, clip.Rate{Num: 25, Den: 1})
	for f := range frames {
		for i := range c.Frame(f) {
			x, y := i/3%size, i/3/size
			c.Frame(f)[i] = uint8(40 + x + y)
			if x >= 4+dx*f && x < 20+dx*f && y >= 20 && y < 36 {
				c.Frame(f)[i] = uint8(180 + 4*(x-dx*f) - y)
			}
		}
	}
	return c
}

// TestHorizons measures a model that knows the truth, and one that freezes.
func TestHorizons(t *testing.T) {
	c := sliding(12, 64, 2)
	given, err := c.Slice(0, 4)
	if err != nil {
		t.Fatal(err)
	}
	truth, err := c.Slice(4, 12)
	if err != nil {
		t.Fatal(err)
	}
	frozen, moved := measure.Freeze(given, 8), measure.Extrapolate(given, 8)
	tests := []continuation{
		{name: "knows", given: given, truth: truth, by: [5]*clip.Clip{truth, frozen, moved, moved, truth}, others: []*clip.Clip{frozen}},
		{name: "freezes", given: given, truth: truth, by: [5]*clip.Clip{frozen, frozen, moved, moved, truth}, others: []*clip.Clip{truth}},
	}
	e := videoScores{Rate: 25}
	e.sum(tests)
	var frames []int
	for _, h := range e.Horizons {
		frames = append(frames, h.Frame)
		m, f := h.By["model"], h.By["frozen"]
		if h.Clips != 2 || !(m.Moving > f.Moving && m.PSNR > f.PSNR && m.SSIM > f.SSIM) {
			t.Errorf("frame %d of %d clips: %+v, frozen %+v", h.Frame, h.Clips, m, f)
		}
		if d := m.Moving - f.Moving; math.Abs(d-h.Frozen.Mean) > 1e-9 || h.Frozen.Low < 0 || !(h.Frozen.Low <= d && d <= h.Frozen.High) {
			t.Errorf("frame %d: better by %g, %+v", h.Frame, d, h.Frozen)
		}
		if d := h.Diversity; d <= 0 || d > 128 {
			t.Errorf("frame %d: a clip whose seeds differ has diversity %g", h.Frame, d)
		}
		if k := h.By["tokenizer"]; k.EndPoint != 0 || k.Frechet > 1e-9 || !(f.EndPoint > m.EndPoint && f.Frechet > 0) {
			t.Errorf("frame %d: motion and features: %+v of the truth, %+v frozen", h.Frame, k, f)
		}
		if k := h.By["tokenizer"]; k.Sharpness != 1 || k.Blockiness != 1 {
			t.Errorf("the truth has sharpness %g and blockiness %g of its own", k.Sharpness, k.Blockiness)
		}
	}
	if !slices.Equal(frames, []int{1, 6, 8}) {
		t.Errorf("horizons %v", frames)
	}
	if b := bootstrap(nil, nil); b != (interval{}) {
		t.Errorf("no clips give %+v", b)
	}
}

// TestEvaluateVideo continues a clip of a file of many with the shipped model.
func TestEvaluateVideo(t *testing.T) {
	gputest.Open(t, gpu.Options{})
	dir := t.TempDir()
	path, page := filepath.Join(dir, "clips.safetensors"), filepath.Join(dir, "page")
	c := sliding(20, 64, 1)
	clips := safetensors.NamedTensor{Name: "clips", Tensor: safetensors.Tensor{DType: safetensors.U8, Shape: []int{2, 20, 64, 64, 3}, Data: append(append([]byte(nil), c.Pix...), c.Pix...)}}
	if err := safetensors.Write(path, []safetensors.NamedTensor{clips}, nil); err != nil {
		t.Fatal(err)
	}
	code, text, errs := morton("evaluate", "video", path, "--clips", "1", "--frames", "4", "--seeds", "2", "--drift", "30", "--out", page, "--json")
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var e videoScores
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	if e.Clips != 1 || len(e.Horizons) != 2 || len(e.Horizons[0].By) != 5 || !(e.Horizons[1].By["tokenizer"].PSNR > 15) {
		t.Errorf("%s", text)
	}
	if n := len(e.Drift); n != 2 || e.Drift[0].Seconds != 1 || e.Drift[1].Seconds != 1.2 || !(e.Drift[1].Brightness > 0.5 && e.Drift[1].Brightness < 2 && e.Drift[1].Sharpness > 0) {
		t.Errorf("drift %+v", e.Drift)
	}
	html, err := os.ReadFile(filepath.Join(page, "index.html"))
	if err != nil || !strings.Contains(string(html), "strip000.png") || !strings.Contains(string(html), "long.png") {
		t.Errorf("%.200s: %v", html, err)
	}
	for _, name := range []string{"strip000.png", "long.png"} {
		if _, err := os.Stat(filepath.Join(page, name)); err != nil {
			t.Error(err)
		}
	}
	for want, args := range map[string][]string{
		"--prefix of at least 2":       {"--prefix", "1", path},
		"has 20 frames, --prefix asks": {"--prefix", "20", path},
		"evaluate video: files":        {},
		"--media-limit pixels=N":       {"../../testdata/video/plant_320x240_30fps_36f.mp4", "--media-limit", "pixels=100"},
		"no such file or directory":    {filepath.Join(dir, "none.safetensors")},
	} {
		if code, _, errs := morton(append([]string{"evaluate", "video"}, args...)...); code == exitDone || !strings.Contains(errs, want) {
			t.Errorf("%v: exit %d: %s, want %q", args, code, errs, want)
		}
	}
}
