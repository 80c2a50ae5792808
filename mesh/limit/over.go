package limit

import (
	"fmt"

	"github.com/morton-gen/morton/internal/errkind"
)

// ErrLimit reports a file over one of its [Limits].
var ErrLimit = errkind.New("limit", "over the limit")

// Over returns an error wrapping [ErrLimit]. It names the limit, its value and
// the flag that raises it.
func Over(name Name, most int64) error {
	return fmt.Errorf("%w of %d %s (--mesh-limit %s=N sets it)", ErrLimit, most, phrase[name], name)
}

// phrase describes in a message what each limit counts.
var phrase = map[Name]string{
	Bytes:       "bytes",
	LineBytes:   "bytes in a line",
	Vertices:    "vertices",
	Faces:       "faces",
	Corners:     "face corners in all",
	FaceCorners: "corners in one face",
	Names:       "names",
	JSONObjects: "JSON objects",
	JSONValues:  "JSON values",
}
