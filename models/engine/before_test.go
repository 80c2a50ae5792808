package engine

import (
	"errors"
	"testing"

	"github.com/morton-gen/morton/models/system"
)

// TestRunsBefore checks which runs may go to the device in front of another.
func TestRunsBefore(t *testing.T) {
	rows := func(n int) system.Rows { return system.Rows{N: n, Slot: make([]int32, n)} }
	run := func() system.Run {
		return system.Run{Rows: rows(1), Group: 1, Stage: 3, Before: []system.Run{{Rows: rows(2), Group: 2, Stage: 1}, {Rows: rows(1), Group: 1, Stage: 2}}}
	}
	if r := run(); checkRun(&r) != nil {
		t.Fatal(checkRun(&r))
	}
	for name, change := range map[string]func(*system.Run){
		"two steps before":   func(r *system.Run) { r.Before[0].Group = 1 },
		"two steps":          func(r *system.Run) { r.Rows = rows(2) },
		"the same stage":     func(r *system.Run) { r.Before[1].Stage = 3 },
		"twice a stage":      func(r *system.Run) { r.Before[1].Stage = 1 },
		"asks":               func(r *system.Run) { r.Before[0].GroupTargets, r.Before[0].Targets.N = 1, 1 },
		"no slots":           func(r *system.Run) { r.Before[0].Slot = nil },
		"no slots of itself": func(r *system.Run) { r.Slot = nil },
		"before before":      func(r *system.Run) { r.Before[0].Before = []system.Run{{Rows: rows(1), Group: 1}} },
		"no rows":            func(r *system.Run) { r.Before[1].N = 0 },
	} {
		r := run()
		if change(&r); !errors.Is(checkRun(&r), ErrRequest) {
			t.Errorf("%s: %v", name, checkRun(&r))
		}
	}
}
