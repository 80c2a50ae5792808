package video

import "fmt"

// Limits bound one file. A zero field means its default.
type Limits struct {
	MaxW, MaxH   int   // size of source and output in pixels; default 8192
	MaxFrames    int   // frames returned before an error; default 1,000,000
	MaxBytes     int64 // size of the file; default 64 GiB
	MaxClipBytes int64 // pixel bytes held at once by ReadClip; default 2 GiB
}

func (l Limits) withDefaults() Limits {
	return Limits{
		MaxW:         orDefault(l.MaxW, 8192),
		MaxH:         orDefault(l.MaxH, 8192),
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

// extent returns an error wrapping [ErrLimit] if a frame is too large.
func (l Limits) extent(w, h int) error {
	if w > l.MaxW || h > l.MaxH {
		return fmt.Errorf("%w: frame of %d x %d, at most %d x %d", ErrLimit, w, h, l.MaxW, l.MaxH)
	}
	return nil
}

func (l Limits) negative() bool {
	return min(int64(l.MaxW), int64(l.MaxH), int64(l.MaxFrames), l.MaxBytes, l.MaxClipBytes) < 0
}
