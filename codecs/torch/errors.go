package torch

import (
	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on.
var (
	// ErrFormat reports a file that torch.save did not write, or an inconsistent
	// one.
	ErrFormat = errkind.New("bad_model", "not a readable torch file")
	// ErrLegacy reports a file in the format of torch before version 1.6. It wraps
	// [ErrFormat]. PyTorch converts such a file: torch.save(torch.load(old), new).
	ErrLegacy error = kind{ErrFormat, "torch file from before version 1.6: rewrite it with torch.save(torch.load(old), new)"}
	// ErrUnsafe reports a pickle with an opcode or name outside the closed list
	// (see the package description). Nothing was executed.
	ErrUnsafe = errkind.New("bad_model", "pickle asks for more than tensors")
	// ErrLimit reports a count or a length over its limit.
	ErrLimit = errkind.New("bad_model", "over a limit")
)

// kind is a sentinel that wraps a broader one.
type kind struct {
	error
	text string
}

func (k kind) Error() string { return k.text }
func (k kind) Unwrap() error { return k.error }
