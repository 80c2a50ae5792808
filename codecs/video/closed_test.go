package video

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/video/container"
)

// TestFFmpegOpensOneFile gives lists of files to the demuxers that would open them. No
// input comes to one, since container.Detect names none of them; this is the door behind that
// one. The files are videos, so that opening them is all that can fail.
func TestFFmpegOpensOneFile(t *testing.T) {
	video, err := filepath.Abs("../../testdata/video/bbb_256x144_25fps_64f.mp4")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	data, err := os.ReadFile(video)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "beside.mp4"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, place := range []string{video, "beside.mp4", "file:" + video, "file://" + video, "http://localhost:1/a.mp4", "concat:beside.mp4|beside.mp4", "subfile,,start,0,end,1000,,:beside.mp4"} {
		for format, text := range map[string]string{
			"hls":    fmt.Sprintf("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\n%s\n#EXT-X-ENDLIST\n", place),
			"concat": fmt.Sprintf("ffconcat version 1.0\nfile '%s'\n", place),
			"sdp":    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
			"dash":   fmt.Sprintf(`<MPD type="static"><Period><AdaptationSet mimeType="video/mp4"><Representation id="0"><BaseURL>%s</BaseURL></Representation></AdaptationSet></Period></MPD>`, place),
		} {
			path := writeFile(t, "list.mp4", []byte(text))
			if _, err := openDemuxer(context.Background(), path, Limits{}.withDefaults()); err == nil {
				t.Errorf("%s: a list with %s opens as a video", format, place)
			}
			if d, err := forced(t, path, format); err == nil {
				t.Errorf("%s, forced: %s opens", format, place)
				d.close()
			}
		}
	}
}

// forced opens a file with a demuxer that its first bytes do not tell.
func forced(t *testing.T, path, format string) (*demuxer, error) {
	t.Helper()
	video, err := filepath.Abs("beside.mp4")
	if err != nil {
		t.Fatal(err)
	}
	src, err := openSource(context.Background(), video, Limits{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := list.Stat()
	if err != nil {
		t.Fatal(err)
	}
	src.file.Close()
	src.file, src.size, src.container = list, info.Size(), container.Format{Name: format, Demuxer: format}
	d := &demuxer{src: src}
	if err := d.open(Limits{}.withDefaults()); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}
