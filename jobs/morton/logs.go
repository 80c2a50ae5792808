package main

import (
	"io"
	"log/slog"
)

// quietLogs restricts Beam's log to errors, or shows all of it with -v. Beam
// logs whole graphs at level info.
func quietLogs(w io.Writer, verbose bool) {
	level := slog.Level(slog.LevelError + 4) // the run's own error repeats them in a line
	if verbose {
		level = slog.LevelInfo
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})))
}
