package transformer

import "github.com/morton-gen/morton/models/nn"

// Precision is the type of matrices, see nn.Precision.
type Precision = nn.Precision

// The precisions.
const (
	F32  = nn.F32
	F16  = nn.F16
	BF16 = nn.BF16
	Int8 = nn.Int8
	Int4 = nn.Int4
)

// Precisions are all of them, and TrainPrecisions those that networks train in.
var (
	Precisions      = nn.Precisions
	TrainPrecisions = nn.TrainPrecisions
)
