//go:build !linux

package atomicfile

func renameNew(_, _ string) error { return errUnsupported }

func exchange(_, _ string) error { return errUnsupported }
