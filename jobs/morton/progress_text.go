package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/morton-gen/morton/transforms/report"
)

// pace is the progress and speed of a film.
type pace struct {
	begun, at  time.Time
	first      int // frames when it began
	frames, of int // so far and in all; of is 0 if unknown
}

func (f *pace) String() string {
	text := fmt.Sprintf("%d frames", f.frames)
	if f.of > f.frames {
		text = fmt.Sprintf("%d of %d frames", f.frames, f.of)
	}
	took := f.at.Sub(f.begun).Seconds()
	if took <= 0 || f.frames <= f.first {
		return text
	}
	rate := float64(f.frames-f.first) / took
	text += fmt.Sprintf(", %.0f frames/s", rate)
	if f.of > f.frames {
		left := time.Duration(float64(f.of-f.frames) / rate * float64(time.Second))
		text += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return text
}

// describe summarises an item's result.
func describe(r *report.Result) string {
	text := r.ID + ": " + cost(r)
	if marks := marks(r); len(marks) > 0 {
		text += " (" + strings.Join(marks, "; ") + ")"
	}
	return text
}

func cost(r *report.Result) string {
	frames := r.Measures["frames"]
	switch {
	case r.Skipped:
		return "done before"
	case !r.Family.HasModel():
		return facesOf(r)
	case r.MadeBy != "":
		return facesOf(r) + ", " + r.MadeBy
	case r.Drawn > 0 && r.Seconds > 0:
		return fmt.Sprintf("%d tokens in %.1f s", r.Drawn, r.Seconds)
	case frames > 0 && r.Seconds > 0:
		return fmt.Sprintf("%d tokens of %.0f frames in %.1f s, %.0f frames/s", r.TokenCount, frames, r.Seconds, frames/r.Seconds)
	}
	return fmt.Sprintf("%d tokens", r.TokenCount)
}

// facesOf describes a mesh.
func facesOf(r *report.Result) string {
	return fmt.Sprintf("%.0f faces in %.1f s, mean Chamfer %.2g of the longest side", r.Measures["faces"], r.Seconds, r.Measures["chamfer_mean"])
}

// marks lists warnings about a finished result.
func marks(r *report.Result) []string {
	var out []string
	if r.Truncated {
		out = append(out, "truncated")
	}
	if r.Damaged {
		out = append(out, fmt.Sprintf("damaged frames: %d", r.DamagedFrames))
	}
	return append(out, r.Notes...)
}

// cut returns the first n characters of a text.
func cut(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i]
		}
	}
	return text
}
