package atomicfile

import "golang.org/x/sys/unix"

// renameNew renames to a free path.
func renameNew(temp, path string) error {
	return renameError(unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE), temp, path)
}

// exchange swaps the names of two files atomically.
func exchange(a, b string) error {
	return renameError(unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE), a, b)
}
