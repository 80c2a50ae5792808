package report

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrThreshold reports text that is not a [Threshold].
var ErrThreshold = errors.New("want a count such as 12, or a share such as 5%")

// minFinished is the number of inputs that must finish before a percentage of
// failures stops a run. Otherwise the first failure of ten would stop a run that
// allows 5%.
const minFinished = 20

// Threshold is the number of failures that a run may have: a count or a
// percentage of the inputs. The zero value sets no limit. Its text is "12", "5%"
// or "".
type Threshold struct {
	most float64
	unit string // "" for no limit, "%", or "inputs"
}

// UnmarshalText parses the output of MarshalText. The error wraps
// [ErrThreshold].
func (t *Threshold) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" {
		*t = Threshold{}
		return nil
	}
	number, percent := strings.CutSuffix(s, "%")
	if percent {
		x, err := strconv.ParseFloat(number, 64)
		if err != nil || !(x >= 0 && x <= 100) { // also false for NaN
			return fmt.Errorf("%w, not %q", ErrThreshold, s)
		}
		*t = Threshold{x, "%"}
		return nil
	}
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return fmt.Errorf("%w, not %q", ErrThreshold, s)
	}
	*t = Threshold{float64(n), "inputs"}
	return nil
}

// MarshalText returns the text.
func (t Threshold) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func (t Threshold) String() string {
	number := strconv.FormatFloat(t.most, 'f', -1, 64)
	switch t.unit {
	case "":
		return ""
	case "%":
		return number + "%"
	}
	return number
}

// Exceeded reports whether a finished run has too many failures.
func (t Threshold) Exceeded(done, failed int) bool {
	switch t.unit {
	case "":
		return false
	case "%":
		return 100*float64(failed) > t.most*float64(done+failed)
	}
	return float64(failed) > t.most
}

// Stops reports whether a running run has too many failures. A percentage is of
// the finished inputs, once there are twenty.
func (t Threshold) Stops(done, failed int) bool {
	return t.Exceeded(done, failed) && (t.unit != "%" || done+failed >= minFinished)
}
