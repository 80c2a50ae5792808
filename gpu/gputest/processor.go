package gputest

import (
	"syscall"
	"testing"
)

// Processor returns what reports, as cpu-s/op, the seconds of all processors that this
// process has used an operation since: on a device on the CPU it tells the work, whatever
// else the machine does.
func Processor(b *testing.B) (report func()) {
	used := func() float64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
	}
	before := used()
	return func() { b.ReportMetric((used()-before)/float64(b.N), "cpu-s/op") }
}
