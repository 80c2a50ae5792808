// Package child starts processes that end with this one, however it ends.
//
//	cmd := exec.Command(binary)
//	err := child.Start(cmd, syscall.SIGTERM, func(err error) { … })
package child
