//go:build !linux

package child

import (
	"errors"
	"os/exec"
	"syscall"
)

// EndWithParent works on Linux alone.
func EndWithParent(syscall.Signal) error {
	return errors.New("on this system a process does not end with its parent")
}

// Start starts a child and calls exited when it has ended. On this system the kernel does
// not end it with this process: it has to see that a pipe from here is closed.
func Start(cmd *exec.Cmd, _ syscall.Signal, exited func(error)) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { exited(cmd.Wait()) }()
	return nil
}
