package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/report"
)

// laplacian is the sum of squared second differences of the luma, in thousandths.
func laplacian(p *picture.Picture) (sum int64) {
	luma := func(x, y int) int64 {
		c := p.Pix[3*(y*p.W+x):]
		return 299*int64(c[0]) + 587*int64(c[1]) + 114*int64(c[2])
	}
	for y := 1; y < p.H-1; y++ {
		for x := 1; x < p.W-1; x++ {
			l := luma(x-1, y) + luma(x+1, y) + luma(x, y-1) + luma(x, y+1) - 4*luma(x, y)
			sum += l * l
		}
	}
	return sum
}

// TestCandidates draws the candidates of a search one by one, and expects the sharpest of
// the command. Five candidates with guidance take more slots than there are by default.
func TestCandidates(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	model, out := tinyModel(t, "llamagen", "decoder"), t.TempDir()
	code, text, errs := morton("generate", "image", "--model", model, "--class", "7", "--guidance", "2", "--seed", "5", "--top-k", "20",
		"--candidates", "5", "--verifier", "sharp", "--out", out)
	if code != exitDone {
		t.Fatalf("exit %d\n%s%s", code, text, errs)
	}
	row := readJSON[report.Result](t, filepath.Join(out, "results.jsonl"))[0]
	p, err := models.Open(dev, system.Image, model, models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	scale, best := 2.0, (*picture.Picture)(nil)
	for i := range 5 {
		id := row.ID
		if i > 0 {
			id += fmt.Sprintf("\x00hypothesis %d", i)
		}
		res, err := p.Generate(t.Context(), models.Request{
			ID: id, Seed: 5, Class: 7, Guidance: &scale, Sampling: &models.Sampling{Temperature: 1, TopK: 20, TopP: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		if x := res.Media.Picture; best == nil || laplacian(x) > laplacian(best) {
			best = x
		}
	}
	if !slices.Equal(readPNG(t, filepath.Join(out, row.Output)).Pix, best.Pix) {
		t.Error("the result is not the sharpest candidate")
	}
	inner := float64((best.H - 2) * (best.W - 2))
	if want := float64(laplacian(best)) / 1e6 / inner; row.Measures["verifier_score"] < 0.999*want || row.Measures["verifier_score"] > 1.001*want {
		t.Errorf("score %g, want %g", row.Measures["verifier_score"], want)
	}
	code, text, _ = morton("generate", "image", "--model", model, "--class", "7", "--candidates", "5", "--verifier", "sharp", "--slots", "4", "--out", t.TempDir())
	if code != exitFailed || !strings.Contains(text, "1 failed") {
		t.Errorf("five candidates in four slots: exit %d\n%s", code, text)
	}
}

// TestSearchMistakes are flags of a search that do not go together.
func TestSearchMistakes(t *testing.T) {
	for args, want := range map[string]string{
		"quads a.obj --candidates 4":                                     "needs a --verifier: closed, near (",
		"quads a.obj --verifier closed":                                  "need --candidates",
		"quads a.obj --candidates 4 --verifier best":                     `"best": quads takes one of closed, near`,
		"quads a.obj --candidates 0 --verifier closed":                   "need --candidates",
		"quads a.obj --candidates 4 --verifier closed --keep 2":          "compared every some steps",
		"quads a.obj --candidates 400 --verifier closed":                 "from 1 to 256",
		"rig --model m a.obj --candidates 4 --verifier closed":           "none scores rig",
		"rig --model m a.obj --candidates 4":                             "none scores rig",
		"shape --candidates 4 --verifier closed --compare-every 9":       "only finished samples of shape",
		"image --model m --class 1 --candidates 4 --verifier closed":     `"closed": image takes one of sharp`,
		"quads a.obj --candidates 2 --verifier near --compare-every x":   "invalid value",
		"quads a.obj --candidates 2 --verifier near --compare-every -1 ": "compare_every -1",
	} {
		code, _, errs := morton(append(append([]string{"generate"}, strings.Fields(args)...), "--out", t.TempDir())...)
		if code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %s", args, code, errs)
		}
	}
}
