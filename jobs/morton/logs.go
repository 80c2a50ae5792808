package main

import (
	"io"
	"log/slog"
)

// quietLogs keeps Beam's log to errors, or with -v shows all of it. Beam logs
// whole graphs at level info.
func quietLogs(w io.Writer, verbose bool) {
	level := slog.Level(slog.LevelError + 4) // the run's own error says the same in a line
	if verbose {
		level = slog.LevelInfo
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})))
}
