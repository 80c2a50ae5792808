package torch

import (
	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on.
var (
	// ErrFormat reports a file that torch.save did not write, or that contradicts
	// itself.
	ErrFormat = errkind.New("bad_model", "not a readable torch file")
	// ErrLegacy reports a file in the form that torch wrote before version 1.6. It
	// wraps [ErrFormat]. PyTorch rewrites such a file: torch.save(torch.load(old), new).
	ErrLegacy error = kind{ErrFormat, "torch file from before version 1.6: rewrite it with torch.save(torch.load(old), new)"}
	// ErrUnsafe reports a pickle that asks for an opcode or a name outside the
	// closed list (see the package's description). Nothing of it was executed.
	ErrUnsafe = errkind.New("bad_model", "pickle asks for more than tensors")
	// ErrLimit reports a count or a length over its limit.
	ErrLimit = errkind.New("bad_model", "over a limit")
)

// kind is a sentinel that belongs to a broader one.
type kind struct {
	error
	text string
}

func (k kind) Error() string { return k.text }
func (k kind) Unwrap() error { return k.error }
