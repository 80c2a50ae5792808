package surface

import (
	"github.com/morton-gen/morton/internal/errkind"
)

// ErrCodes reports that there is not exactly one code a leaf.
var ErrCodes = errkind.New("bad_sample", "codes do not fit the tree")
