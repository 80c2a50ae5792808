package transforms

import (
	"context"
	"errors"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/transforms/report"
)

// sheetFrames is the number of frames of a contact sheet, evenly chosen.
const (
	sheetColumns = 8
	sheetFrames  = 64
)

// writeClip writes a video and a contact sheet.
func writeClip(ctx context.Context, it *Item, p report.Place, row *report.Result, d *report.Delivery) error {
	c := it.Result.Media.Clip
	row.Output, row.Poster = p.File(".mp4"), p.File(".png")
	row.OutputFrames, row.GivenFrames = c.T, it.Result.Given
	return errors.Join(
		writeTo(d, row.Output, func(path string) error { return video.Encode(ctx, path, c, video.EncodeOptions{}) }),
		writeTo(d, row.Poster, func(path string) error { return writeSheet(path, c) }))
}

func writeSheet(path string, c *clip.Clip) error {
	n := min(c.T, sheetFrames)
	shown := clip.New(n, c.H, c.W, c.Rate)
	for i := range n {
		copy(shown.Frame(i), c.Frame(i*c.T/n))
	}
	return clip.WritePNG(path, min(sheetColumns, n), shown)
}
