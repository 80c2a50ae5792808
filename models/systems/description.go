package systems

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/internal/strictjson"
	"github.com/morton-gen/morton/models/nn"
)

// describe reads a config.json whose names are all ours into the value that to points at, which has
// the defaults. Weights without one are refused: they may be of any size. The error wraps nn.ErrConfig.
func describe(config json.RawMessage, w nn.Weights, to any) error {
	if config == nil {
		if w != nil {
			return fmt.Errorf("systems: %w: config.json is missing, which says the sizes of the weights", nn.ErrConfig)
		}
		return nil
	}
	if err := strictjson.Unmarshal(config, to); err != nil {
		return fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
	}
	return nil
}
