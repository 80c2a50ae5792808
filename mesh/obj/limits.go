package obj

import (
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh/limit"
)

// Errors a caller can branch on, beside [mesh.ErrFace], [mesh.ErrNotFinite] and
// [mesh.ErrEmpty].
var (
	// ErrSyntax reports a line that is not OBJ; the message has its number.
	ErrSyntax = errkind.New("syntax", "bad OBJ syntax")
	// ErrLimit reports input larger than a limit.
	ErrLimit = limit.ErrLimit
)

// Limits bounds what [Read] accepts. Memory grows with what was read, never with
// what the input announces.
type Limits = limit.Limits
