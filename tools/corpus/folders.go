package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Every corpus has these two folders, and none of its sources is in both.
const (
	trainFolder   = "train"
	heldOutFolder = "heldout"
)

// errNotEmpty reports a corpus that is already there.
var errNotEmpty = errors.New("holds a corpus already; remove it first")

// prepare makes the two folders of a corpus under out. Files of an earlier run
// would mix with the new ones, so it refuses folders that hold any.
func prepare(out string) error {
	for _, name := range []string{trainFolder, heldOutFolder} {
		path := filepath.Join(out, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		list, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			return fmt.Errorf("%s: %w", path, errNotEmpty)
		}
	}
	return nil
}

// splitFolder names the folder of a source.
func splitFolder(heldOut bool) string {
	if heldOut {
		return heldOutFolder
	}
	return trainFolder
}
