package gpu

import (
	"time"

	"github.com/morton-gen/morton/gpu/vk"
)

// A desktop's watchdog takes a device away that one submit keeps busy for some
// seconds (2 on Windows, 5 to 10 on Linux), and a screen that shares the device
// stands still meanwhile. So commands are recorded in pieces of bounded work, and
// a submit takes as many pieces as should last submitTarget, by how long they took
// before. Pieces open with a barrier: where they are cut changes no bit.

// submitTarget is how long one submit should keep the device.
const submitTarget = 200 * time.Millisecond

// What an operation costs before anything was measured, from above: a small
// integrated GPU does 200 GFLOP/s and 20 GB/s.
const (
	slowFlopsPerSecond = 200e9
	slowBytesPerSecond = 20e9
)

// opsPerCommands caps the length of a piece whatever its work.
const opsPerCommands = 4096

// Work is what one operation does, as far as its [Call] says.
type Work struct {
	Flops int64 `json:"flops"`
	Bytes int64 `json:"bytes"`
}

// duration is a cautious guess.
func (w Work) duration() time.Duration {
	s := float64(w.Flops)/slowFlopsPerSecond + float64(w.Bytes)/slowBytesPerSecond
	return time.Duration(s * float64(time.Second))
}

// pace is what a program's runs have shown.
type pace struct {
	each time.Duration // of one piece, at the last submit; 0: unknown
	most int           // operations a piece may have
	ran  int           // pieces that have run since they were cut
	slow time.Duration // the longest a lone piece took since; 0: within bounds
}

// cut returns the ends of the pieces.
func (p *pace) cut(ops []op, target time.Duration) []int {
	var ends []int
	var sum time.Duration
	begin := 0
	for i := range ops {
		d := ops[i].work.duration()
		if i > begin && (i-begin >= p.most || sum+d > target) {
			ends, begin, sum = append(ends, i), i, 0
		}
		sum += d
	}
	if len(ops) > 0 {
		ends = append(ends, len(ops))
	}
	return ends
}

// next is how many pieces the next submit takes, of left.
func (p *pace) next(left int, target time.Duration) int {
	if p.each <= 0 {
		return 1
	}
	return int(max(1, min(int64(left), int64(target/p.each))))
}

// observe records how long n pieces ran. The first run may include the compilation of
// kernels, if compiled is true, so it is not used for the length of pieces.
func (p *pace) observe(n, pieces int, d, target time.Duration, compiled bool) {
	first := p.ran < pieces
	p.each, p.ran = max(d/time.Duration(n), 1), p.ran+n
	if n == 1 && d > 2*target && !(first && compiled) {
		p.slow = max(p.slow, d)
	}
}

// recut halves the pieces or more, if one was too slow and can be shorter.
func (p *pace) recut(longest int, target time.Duration) bool {
	if p.slow == 0 || longest <= 1 {
		return false
	}
	ratio := float64(target) / float64(p.slow)
	*p = pace{most: max(1, int(float64(longest)*min(ratio, 0.5)))}
	return true
}

// record cuts the program's operations and records each piece.
func (p *Program) record() error {
	var cmds []vk.Commands
	begin, longest := 0, 0
	for _, end := range p.pace.cut(p.recorded, p.dev.target()) {
		c, err := p.dev.vk.Record(p.ops[begin:end], p.push)
		if err != nil {
			p.freeCommands(cmds)
			return kind("gpu: record", err)
		}
		cmds = append(cmds, c)
		begin, longest = end, max(longest, end-begin)
	}
	p.freeCommands(p.cmds)
	p.cmds, p.longest = cmds, longest
	return nil
}

func (p *Program) freeCommands(cmds []vk.Commands) {
	for _, c := range cmds {
		p.dev.vk.FreeCommands(c)
	}
}

// repeat runs the program n times, in submits of bounded work; the caller holds
// the device's mu.
func (p *Program) repeat(n int) error {
	target := p.dev.target()
	for left := n * len(p.cmds); left > 0; {
		pieces := len(p.cmds)
		some := make([]vk.Commands, p.pace.next(left, target))
		for i := range some {
			some[i] = p.cmds[(pieces-left%pieces+i)%pieces]
		}
		begin := time.Now()
		if err := p.dev.run(some); err != nil {
			return err
		}
		p.pace.observe(len(some), pieces, time.Since(begin), target, p.dev.OnCPU())
		left -= len(some)
		if left%pieces == 0 && p.pace.recut(p.longest, target) {
			if err := p.record(); err != nil {
				return err
			}
			left = left / pieces * len(p.cmds)
		}
	}
	return nil
}

func (d *Device) target() time.Duration {
	if d.opts.hurry > 0 {
		return d.opts.hurry
	}
	return submitTarget
}
