package transforms

import (
	"io"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/transforms/report"
)

// writePicture writes a PNG.
func writePicture(x *picture.Picture, p report.Place, row *report.Result, d *report.Delivery) error {
	row.Output = p.File(".png")
	return writeTo(d, row.Output, func(path string) error {
		return atomicfile.Write(path, func(w io.Writer) error { return picture.EncodePNG(w, x) })
	})
}
