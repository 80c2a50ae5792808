//go:build !linux

package worker

import (
	"errors"
	"os/exec"
	"syscall"
)

// endWithParent works on Linux alone.
func endWithParent(syscall.Signal) error {
	return errors.New("on this system a worker does not end with its parent, but when the runner has no more work for it")
}

// start starts a child and calls exited when it has ended.
func start(cmd *exec.Cmd, exited func(error)) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { exited(cmd.Wait()) }()
	return nil
}
