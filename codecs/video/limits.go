package video

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Limits bound one file. A zero field means its default. The names are those of
// [Limits.Set], and errors tell them.
type Limits struct {
	MaxPixels    int64 `json:"pixels,omitempty"`     // of a frame of source and output; default 8192 x 8192
	MaxFrames    int64 `json:"frames,omitempty"`     // returned before an error; default 1,000,000
	MaxBytes     int64 `json:"bytes,omitempty"`      // of the file; default 64 GiB
	MaxClipBytes int64 `json:"clip_bytes,omitempty"` // of pixels held at once by [ReadClip]; default 2 GiB
}

// maxSide bounds the width and height of a frame, which FFmpeg's scaler computes with in
// 32 bits. No flag raises it.
const maxSide = 1 << 15

func (l Limits) withDefaults() Limits {
	return Limits{
		MaxPixels:    orDefault(l.MaxPixels, 8192*8192),
		MaxFrames:    orDefault(l.MaxFrames, 1_000_000),
		MaxBytes:     orDefault(l.MaxBytes, 64<<30),
		MaxClipBytes: orDefault(l.MaxClipBytes, 2<<30),
	}
}

func orDefault[T int | int64](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}

// Extent returns an error wrapping [ErrLimit] if a frame is too large.
func (l Limits) Extent(w, h int) error {
	l = l.withDefaults()
	switch {
	case max(w, h) > maxSide:
		return fmt.Errorf("%w: a frame of %d x %d, at most %d on a side", ErrLimit, w, h, maxSide)
	case int64(w)*int64(h) > l.MaxPixels:
		return over("pixels", l.MaxPixels, "a frame of %d x %d", w, h)
	}
	return nil
}

// over returns an error wrapping [ErrLimit]. It names what is over the limit, the limit,
// and the flag that raises it.
func over(name string, most int64, format string, args ...any) error {
	return fmt.Errorf("%w: %s, at most %d %s (--media-limit %s=N sets it)", ErrLimit, fmt.Sprintf(format, args...), most, strings.ReplaceAll(name, "-", " "), name)
}

func (l Limits) negative() bool {
	return min(l.MaxPixels, l.MaxFrames, l.MaxBytes, l.MaxClipBytes) < 0
}

var limitNames = []string{"pixels", "frames", "bytes", "clip-bytes"}

func (l *Limits) field(name string) *int64 {
	switch name {
	case "pixels":
		return &l.MaxPixels
	case "frames":
		return &l.MaxFrames
	case "bytes":
		return &l.MaxBytes
	case "clip-bytes":
		return &l.MaxClipBytes
	}
	return nil
}

// Set sets one limit from text such as "pixels=100000000". It makes *Limits a
// [flag.Value] that may be given several times.
func (l *Limits) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	field := l.field(name)
	if !ok || field == nil {
		return fmt.Errorf("%q: want NAME=N, where NAME is one of %s", text, strings.Join(limitNames, ", "))
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 {
		return fmt.Errorf("%q: a limit is a whole number from 1 on", text)
	}
	if name == "pixels" && n > math.MaxInt32 {
		return fmt.Errorf("%q: at most %d, since FFmpeg counts in 32 bits", text, math.MaxInt32)
	}
	*field = n
	return nil
}

// String returns the limits that are set, in the form that Set takes.
func (l *Limits) String() string {
	if l == nil {
		return ""
	}
	var set []string
	for _, name := range limitNames {
		if n := *l.field(name); n != 0 {
			set = append(set, fmt.Sprintf("%s=%d", name, n))
		}
	}
	return strings.Join(set, " ")
}
