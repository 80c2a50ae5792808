package surface

import "errors"

// ErrCodes reports that there is not exactly one code a leaf.
var ErrCodes = errors.New("codes do not fit the tree")
