package video

import (
	"math"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/morton-gen/morton/codecs/clip"
)

// timeline assigns strictly increasing times to frames, whatever their timestamps. Times
// are relative to the first frame. Their unit divides the stream's tick, so that frames
// with one timestamp remain distinct.
type timeline struct {
	units  int64           // per tick of the stream
	base   astiav.Rational // one unit, in seconds
	jump   int64           // a longer step forward is a discontinuity
	back   int64           // a longer step back restarts the clock
	tick   float64         // seconds
	rate   clip.Rate       // nominal, for frames without a duration
	offset int64           // from timestamp to time
	synced bool            // offset is known
	last   int64           // the latest frame's time
	shown  int64           // its duration
	anchor int64           // the first time of a run of equal timestamps
	run    int64           // frames in that run after the first
	count  int             // frames so far
	jumps  int
}

const (
	// maxTicks is the largest valid timestamp; sums of larger ones could
	// overflow.
	maxTicks = 1 << 50
	// maxUnits per tick and maxBase units per second keep the base in 32 bits.
	maxUnits = 1000
	maxBase  = 1 << 30

	// FFmpeg treats these as a clock restart in MPEG streams: 10 s forward, a tenth of
	// a second back. In other formats a still picture may last long.
	mpegJump  = 10 * time.Second
	otherJump = 10 * time.Minute
	stepBack  = 100 * time.Millisecond

	// maxStill is the number of successive frames that may share a timestamp before the
	// clock counts as stopped. It is maxCoarse if the clock is hardly faster than the
	// frame rate.
	maxStill  = 2
	maxCoarse = 16
)

func newTimeline(d *demuxer) *timeline {
	tick := d.stream.TimeBase()
	units := min(maxUnits, max(1, maxBase/int64(max(1, tick.Den()))))
	l := &timeline{
		units: units,
		base:  astiav.NewRational(tick.Num(), tick.Den()*int(units)),
		tick:  float64(tick.Num()) / float64(tick.Den()),
		rate:  d.rate(),
	}
	pause := otherJump
	if d.mayJump() {
		pause = mpegJump
	}
	l.jump, l.back = unitsOf(pause, l.base), unitsOf(stepBack, l.base)
	return l
}

// mayJump reports whether the clock of a valid file of this format may restart.
func (d *demuxer) mayJump() bool {
	return d.src.container.Demuxer == "mpegts" || d.src.container.Demuxer == "mpeg"
}

// place sets the time of the next frame. stamp is in ticks, or NoPtsValue; ticks is
// the frame's duration, 0 if unknown.
func (l *timeline) place(stamp, ticks int64) {
	next := l.last + l.shown
	if l.count == 0 {
		next = 0
	}
	l.last = l.after(stamp, next)
	l.shown = l.duration(ticks)
	l.count++
}

func (l *timeline) after(stamp, next int64) int64 {
	if stamp == astiav.NoPtsValue || abs(stamp) > maxTicks {
		return next
	}
	stamp *= l.units
	if !l.synced { // frames before the first timestamp are counted back from it
		l.synced, l.offset = true, next-stamp
	}
	t := stamp + l.offset
	switch {
	case l.count == 0:
		return t
	case l.leaps(t - l.last):
		l.jumps++
		return l.restart(stamp, next)
	case t > l.last:
		l.run = 0
		return t
	}
	return l.still(stamp)
}

// leaps reports whether a step of the clock is a discontinuity.
func (l *timeline) leaps(step int64) bool { return step > l.jump || step < -l.back }

// jumped is leaps for a step in ticks.
func (l *timeline) jumped(ticks int64) bool {
	return abs(ticks) > maxTicks || l.leaps(ticks*l.units)
}

// restart places the frame after the one before and continues the clock from
// there.
func (l *timeline) restart(stamp, next int64) int64 {
	l.run, l.offset = 0, next-stamp
	return next
}

// still places a frame whose timestamp has not advanced, just after the one before:
// timestamps may be coarser than frames, or two frames swapped. If the clock has
// stopped, frames are counted instead.
func (l *timeline) still(stamp int64) int64 {
	if l.run++; l.run == 1 {
		l.anchor = l.last
	}
	frame, most := l.duration(0), int64(maxStill)
	if frame < 2*l.units {
		most = maxCoarse
	}
	if l.run > most {
		t := max(l.anchor+l.run*frame, l.last+1)
		l.offset = t - stamp
		l.anchor, l.run = t, 0
		return t
	}
	tickEnd := l.anchor + l.units
	return l.last + max(1, min(frame, (tickEnd-l.last)/2))
}

// duration is how long a frame is shown. A duration of one tick is taken as rounded if
// frames come faster than the clock ticks. One longer than a jump is ignored.
func (l *timeline) duration(ticks int64) int64 {
	nominal := max(1, int64(math.Round(float64(l.rate.Den)/float64(l.rate.Num)/l.tick*float64(l.units))))
	if ticks <= 0 || ticks > l.jump/l.units || ticks == 1 && nominal < l.units {
		return min(nominal, max(l.jump, 1))
	}
	return ticks * l.units
}
