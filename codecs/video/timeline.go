package video

import (
	"math"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/morton-gen/morton/codecs/clip"
)

// timeline gives every frame a time after that of the frame before, whatever the stamps
// in the file do. Times count from the first frame. Their unit divides the stream's tick,
// so that frames that share a stamp can be told apart.
type timeline struct {
	units  int64           // in one tick of the stream
	base   astiav.Rational // one unit, in seconds
	jump   int64           // a longer pause is a jump of the clock
	back   int64           // a step back of more starts the clock anew
	tick   float64         // seconds
	rate   clip.Rate       // nominal, for frames without a duration
	offset int64           // from a stamp to a time
	synced bool            // offset is known
	last   int64           // the latest frame's time
	shown  int64           // and how long it is shown
	anchor int64           // the first time of a run of stamps that stand still
	run    int64           // frames in that run after the first
	count  int             // frames so far
	jumps  int
}

const (
	// maxTicks is the largest stamp believed; beyond it, sums could overflow.
	maxTicks = 1 << 50
	// maxUnits in a tick, and maxBase units in a second, keep the base in 32 bits.
	maxUnits = 1000
	maxBase  = 1 << 30

	// FFmpeg takes these for a new start of the clock in MPEG streams: 10 s forward, a
	// tenth of a second back. Other formats may hold a still picture for long.
	mpegJump  = 10 * time.Second
	otherJump = 10 * time.Minute
	stepBack  = 100 * time.Millisecond

	// maxStill frames in a row may share a stamp before the clock is known to stand, and
	// maxCoarse if the clock ticks hardly faster than the frames come.
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

// mayJump reports whether a sound file of this format may start its clock anew.
func (d *demuxer) mayJump() bool {
	return d.src.container.demuxer == "mpegts" || d.src.container.demuxer == "mpeg"
}

// place gives the next frame its time. stamp is in ticks, or NoPtsValue; ticks is the
// frame's duration, 0 if unknown.
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
	if !l.synced { // frames before the first stamp are counted back from it
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

// leaps reports whether the clock does not go on after a step of so many units.
func (l *timeline) leaps(step int64) bool { return step > l.jump || step < -l.back }

// jumped is leaps for a step in ticks.
func (l *timeline) jumped(ticks int64) bool {
	return abs(ticks) > maxTicks || l.leaps(ticks*l.units)
}

// restart lets the frame follow the one before, and the clock go on from there.
func (l *timeline) restart(stamp, next int64) int64 {
	l.run, l.offset = 0, next-stamp
	return next
}

// still places a frame whose stamp has not moved on. Stamps may be coarser than the
// frames, or two frames may have changed places: it is shown just after the one before.
// A clock that stands is left alone, and the frames are counted.
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

// duration is how long a frame is shown. A duration of one tick is a rounded one if the
// frames come faster than the clock ticks, and one longer than a jump is not believed.
func (l *timeline) duration(ticks int64) int64 {
	nominal := max(1, int64(math.Round(float64(l.rate.Den)/float64(l.rate.Num)/l.tick*float64(l.units))))
	if ticks <= 0 || ticks > l.jump/l.units || ticks == 1 && nominal < l.units {
		return min(nominal, max(l.jump, 1))
	}
	return ticks * l.units
}
