package child

import (
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// EndWithParent makes the kernel signal this process when the thread that started it
// ends.
func EndWithParent(s syscall.Signal) error {
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(s), 0, 0, 0)
}

// Start starts a child that gets the signal when this process ends, and calls exited when
// the child has ended. The kernel watches the thread that started the child, so that
// thread stays until then.
func Start(cmd *exec.Cmd, s syscall.Signal, exited func(error)) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = s
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			exited(cmd.Wait())
		}
	}()
	return <-started
}
