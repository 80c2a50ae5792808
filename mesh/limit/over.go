package limit

import (
	"fmt"

	"github.com/morton-gen/morton/internal/errkind"
)

// ErrLimit reports a file that holds more than [Limits] allow.
var ErrLimit = errkind.New("limit", "over the limit")

// Over returns an error wrapping [ErrLimit] that names the limit and its value,
// and the flag by which every command that reads meshes raises it.
func Over(name Name, most int64) error {
	return fmt.Errorf("%w of %d %s (--mesh-limit %s=N sets it)", ErrLimit, most, phrase[name], name)
}

// phrase says in a message what each limit counts.
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
