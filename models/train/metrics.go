package train

import (
	"encoding/json"
	"errors"
	"os"
)

// Metrics is a line of metrics.jsonl: a point of the curve, and how the run was going. A
// run that was cut off repeats the lines since its last checkpoint: the last of a step
// counts.
type Metrics struct {
	Point
	TokensPerSecond float64 `json:"tokens_per_second"`
	LossScale       float64 `json:"loss_scale"`
	Skipped         int     `json:"skipped"` // steps so far whose gradients were not finite
}

// append adds a line to a file.
func (m Metrics) append(path string) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}
