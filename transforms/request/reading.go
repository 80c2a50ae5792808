package request

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Time is a position in a clip, relative to its first frame. Its text is a number of
// seconds, or a time.Duration such as "1m30s". A manifest may also have a JSON number
// of seconds.
type Time time.Duration

// maxStart bounds times to what a decoder can represent.
const maxStart = Time(1000 * time.Hour)

func (t Time) String() string { return time.Duration(t).String() }

// MarshalText returns the text.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the text. The error wraps [ErrInvalid].
func (t *Time) UnmarshalText(text []byte) error {
	if s, err := strconv.ParseFloat(string(text), 64); err == nil {
		ns := math.Round(s * 1e9)
		if !(math.Abs(ns) <= float64(maxStart)) { // also false for NaN
			return fmt.Errorf("%w: time %s: at most %v", ErrInvalid, text, maxStart)
		}
		*t = Time(ns)
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%w: time %q: seconds, or such as 1m30s", ErrInvalid, text)
	}
	*t = Time(d)
	return nil
}

// UnmarshalJSON reads a string or a number.
func (t *Time) UnmarshalJSON(data []byte) error {
	switch {
	case string(data) == "null": // the same as a missing field
		return nil
	case data[0] != '"':
		return t.UnmarshalText(data)
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	return t.UnmarshalText([]byte(text))
}

// Fit selects how a frame of another shape fills the square of a video model.
type Fit string

// The fits. The zero value is the default.
const (
	Crop      Fit = ""          // the centre, filling the square; its text is "crop"
	Letterbox Fit = "letterbox" // the whole frame, on black
)

func (f Fit) String() string {
	if f == Crop {
		return "crop"
	}
	return string(f)
}

// MarshalText returns the word.
func (f Fit) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the word. The error wraps [ErrInvalid].
func (f *Fit) UnmarshalText(text []byte) error {
	switch string(text) {
	case "crop":
		*f = Crop
	case "letterbox":
		*f = Letterbox
	default:
		return fmt.Errorf("%w: fit %q: crop or letterbox", ErrInvalid, text)
	}
	return nil
}
