package isolated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/morton-gen/morton/codecs/video"
)

// session is one request to a child.
type session struct {
	ctx    context.Context
	memory int64
	ask    request
	p      *process    // nil before and after
	let    func() bool // ends the watch over ctx
}

func newSession(ctx context.Context, d Decoder, r request) *session {
	r.Folder = folder()
	return &session{ctx: ctx, memory: d.memory(), ask: r}
}

// ready gets a child and sends it the request, unless that was done. Errors are a *crash,
// errStart and the context's.
func (s *session) ready() error {
	if s.p != nil {
		return nil
	}
	return s.begin(false)
}

func (s *session) begin(fresh bool) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	p, err := take(s.memory, fresh)
	if err != nil {
		return err
	}
	s.p, s.let = p, context.AfterFunc(s.ctx, p.kill)
	if err := writeJSON(p.in, 0, s.ask); err != nil {
		return s.broken(err)
	}
	return nil
}

// broken is the crash behind an error of reading or writing.
func (s *session) broken(err error) *crash {
	s.p.kill() // it closed the pipe, or will not be listened to any more
	for _, closed := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.EPIPE} {
		if errors.Is(err, closed) {
			if s.p.greedy() {
				return &crash{memory: s.memory}
			}
			return &crash{why: s.p.why()}
		}
	}
	return &crash{why: "it answered nonsense: " + err.Error()}
}

// end gives up the child. It reports whether it had served others before.
func (s *session) end() (used bool) {
	s.let()
	used = s.p.served > 0
	s.p.end()
	s.p = nil
	return used
}

// done gives back the child, whose answer is complete.
func (s *session) done(last bool) {
	if last || s.p.out.Buffered() > 0 {
		s.end()
		return
	}
	if !s.let() { // the context has ended, and the child with it
		s.end()
		return
	}
	put(s.p)
	s.p = nil
}

// kind reads the first byte of a reply.
func (s *session) kind() (byte, error) {
	kind, err := s.p.out.ReadByte()
	if err != nil {
		return 0, s.broken(err)
	}
	return kind, nil
}

// message reads the JSON of a reply.
func (s *session) message() (m message, err error) {
	if err = readJSON(s.p.out, &m); err == nil && m.Failure == nil && !valid(m.Info) {
		err = fmt.Errorf("a video of %+v", m.Info)
	}
	if err != nil {
		return message{}, s.broken(err)
	}
	return m, nil
}

// over reads the reply that ends a session, whose first byte was read. It returns the
// child's error.
func (s *session) over(kind byte) (message, error) {
	if kind != replyEnd && kind != replyError {
		return message{}, s.broken(fmt.Errorf("a reply %q", kind))
	}
	m, err := s.message()
	switch {
	case err != nil:
		return m, err
	case (kind == replyError) != (m.Failure != nil):
		return message{}, s.broken(fmt.Errorf("a reply %q with failure %v", kind, m.Failure))
	}
	s.done(m.Last)
	if m.Failure != nil {
		return m, m.Failure.error(string(s.ask.Path))
	}
	return m, nil
}

// retry runs a step of the session. If the child crashes that has served others before, the
// session begins again with a new one: renew, and the step.
func (s *session) retry(place string, step, renew func() error) error {
	err := step()
	for {
		c := new(crash)
		if !errors.As(err, &c) {
			return err
		}
		used := s.end()
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if !used {
			return c.of(place, string(s.ask.Path))
		}
		err = s.begin(true)
		if err == nil && renew != nil {
			err = renew()
		}
		if err == nil {
			err = step()
		}
	}
}

// valid reports whether a child may have found this.
func valid(i video.Info) bool {
	least := min(i.W, i.H, i.Frames, i.Rotation, i.DamagedFrames, i.Jumps)
	return least >= 0 && i.Duration >= 0 && i.Bytes >= 0 && i.Rate.Num > 0 && i.Rate.Den > 0 && i.Aspect.Num > 0 && i.Aspect.Den > 0
}
