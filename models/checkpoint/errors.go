package checkpoint

import (
	"github.com/morton-gen/morton/codecs/torch"
	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on. Those for a tensor wrap [nn.ErrWeights].
var (
	// ErrFormat reports a path that holds no checkpoint, or one that contradicts
	// itself. It may wrap an error of codecs/safetensors or codecs/torch too.
	ErrFormat = errkind.New("bad_model", "not a checkpoint")
	// ErrUnsafe reports a file that asks for more than reading tensors: a pickle
	// with an opcode or a name outside the closed list, or an index that names a
	// file outside its folder. Nothing was executed. It is codecs/torch's own.
	ErrUnsafe = torch.ErrUnsafe
	// ErrAmbiguous reports a folder with several weights files, or a torch file
	// with several parts, of which none is the usual one. It lists them.
	ErrAmbiguous = errkind.New("bad_model", "several checkpoints to choose from")
	// ErrPart reports a part that the checkpoint does not have.
	ErrPart = errkind.New("bad_model", "no such part")
	// ErrLimit reports a file or a count over its limit.
	ErrLimit = errkind.New("bad_model", "over a limit")
)
