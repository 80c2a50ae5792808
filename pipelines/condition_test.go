package pipelines

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// TestDamageIsSaid takes a sound clip, one that is cut off and one with damaged packets
// through both pipelines: all are done, and the rows, the summary and the page say of
// which inputs; those of an earlier run too.
func TestDamageIsSaid(t *testing.T) {
	e := newEcho(shard.KindCube)
	e.wholeClips = true
	use(t, request.Video, e)
	paths := []string{
		"../testdata/video/city_320x180_25fps_48f.mp4", "../codecs/video/testdata/cutfast.mp4", "../codecs/video/testdata/corrupt.mp4",
	}
	for name, run := range map[string]func(context.Context, Job) (report.Summary, error){"generate": Generate, "tokenize": Tokenize} {
		j := job(t, request.Video, paths)
		for range 2 {
			s, err := run(context.Background(), j)
			if err != nil || s.Done != 3 || s.Truncated != 1 || s.Damaged != 1 {
				t.Fatalf("%s: %+v, %v", name, s, err)
			}
			checkConditions(t, j.Settings.Out)
		}
		page, err := os.ReadFile(filepath.Join(j.Settings.Out, "index.html"))
		if name == "tokenize" {
			continue // without a page
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`<dt>Inputs truncated</dt><dd>1</dd>`, `<dt>Inputs damaged</dt><dd>1</dd>`, `<span class="chip mark">truncated</span>`} {
			if !strings.Contains(string(page), want) {
				t.Errorf("the page lacks %s", want)
			}
		}
	}
}

func checkConditions(t *testing.T, dir string) {
	t.Helper()
	rows, err := report.ReadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Truncated != (r.ID == "cutfast") || r.Damaged != (r.ID == "corrupt") || r.Damaged != (r.DamagedFrames > 0) {
			t.Errorf("%s: truncated %v, damaged %v, frames %d", r.ID, r.Truncated, r.Damaged, r.DamagedFrames)
		}
	}
}
