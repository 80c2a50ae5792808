package atomicfile

import "golang.org/x/sys/unix"

// renameNew renames unless something is there.
func renameNew(temp, path string) error {
	return renameError(unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE), temp, path)
}

// exchange gives each of two files the other's name, in one step.
func exchange(a, b string) error {
	return renameError(unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE), a, b)
}
