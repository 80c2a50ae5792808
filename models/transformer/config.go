package transformer

import (
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/systems"
)

// ErrConfig reports a network description that cannot be built.
var ErrConfig = nn.ErrConfig

// Config describes a network of Morton's own.
type Config = systems.Decoder
