package main

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/transforms/report"
)

// TestLimitFlags: an input over a limit fails with the flag that sets the limit, and one at
// the limit is done.
func TestLimitFlags(t *testing.T) {
	defer resetRunner(t)
	withQuads(t, openQuads)
	clip, mesh := "../../testdata/video/plant_320x240_30fps_36f.mp4", "../../testdata/mesh/cc-0_box.obj"
	still := filepath.Join(t.TempDir(), "a.png")
	var data bytes.Buffer
	if err := png.Encode(&data, image.NewGray(image.Rect(0, 0, 20, 30))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(still, data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	continued := "generate video --prefix 4 --frames 4 "
	for _, c := range []struct{ command, flag, over, at string }{
		{"tokenize video " + clip, "--media-limit pixels=", "76799", "76800"},
		{"tokenize video " + clip, "--media-limit bytes=", "500", "99999999"},
		{"tokenize video --frames 8 " + clip, "--media-limit frames=", "7", "8"},
		{"tokenize video --frames 8 " + clip, "--max-tokens ", "767", "768"},
		{"tokenize video --decode-in-process --frames 8 " + clip, "--media-limit pixels=", "76799", "76800"},
		{continued + clip, "--max-tokens ", "383", "384"},
		{"generate shape --prefix-depth 3 --depth 5 " + mesh, "--max-tokens ", "20", ""}, // the engine refuses it
		{continued + clip, "--media-limit clip-bytes=", "49151", "49152"},
		{continued + still, "--media-limit pixels=", "599", "600"},
		{continued + still, "--media-limit bytes=", "30", "3000"},
		{"tokenize shape --depth 4 " + mesh, "--max-tokens ", "20", "100000"},
		{"tokenize quads " + mesh, "--max-tokens ", "20", "100000"},
		{"tokenize quads " + mesh, "--mesh-limit faces=", "2", "100000"},
	} {
		for _, value := range []string{c.over, c.at} {
			if value == "" {
				continue
			}
			out := t.TempDir()
			args := append(strings.Fields(c.command+" "+c.flag+value), "--out", out)
			code, _, errs := morton(args...)
			failures, err := report.ReadFailures(out)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case value == c.at && code != exitDone:
				t.Errorf("%v: exit %d\n%s", args, code, errs)
			case value == c.over && (code != exitFailed || len(failures) != 1 || failures[0].Kind != "limit" || !strings.Contains(failures[0].Message, strings.TrimSpace(c.flag))):
				t.Errorf("%v: exit %d, %+v\n%s", args, code, failures, errs)
			}
		}
	}
}
