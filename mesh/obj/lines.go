package obj

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/morton-gen/morton/mesh/limit"
)

// lines splits input into logical lines without line ends (LF, CRLF or CR). A
// line that ends in a backslash continues on the next. A comment does not,
// since it may be a path that ends in a backslash.
type lines struct {
	r      *bufio.Reader
	limits Limits
	buffer []byte
	number int   // of the last physical line read, from 1
	bytes  int64 // read so far
	cr     bool  // the last line ended in CR: an LF right after it ends the same line
}

func newLines(r io.Reader, limits Limits) *lines {
	return &lines{r: bufio.NewReaderSize(r, 1<<16), limits: limits}
}

// next returns the next logical line and the number of its first physical one.
// The line is valid until the next call. At the end it returns io.EOF.
func (l *lines) next() (line []byte, number int, err error) {
	l.buffer = l.buffer[:0]
	number = l.number + 1
	for {
		err := l.appendPhysical()
		if err != nil && (!errors.Is(err, io.EOF) || len(l.buffer) == 0) {
			return nil, number, err
		}
		if err != nil || !l.continues() {
			return l.buffer, number, nil
		}
	}
}

// continues reports whether the line ends in a backslash, perhaps before
// blanks, and replaces it by a blank.
func (l *lines) continues() bool {
	text := bytes.TrimRight(l.buffer, " \t")
	n := len(text)
	if n == 0 || text[n-1] != '\\' || isComment(text) {
		return false
	}
	l.buffer = append(text[:n-1], ' ')
	return true
}

func isComment(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return len(line) > 0 && line[0] == '#'
}

// appendPhysical appends one physical line without its line end to the buffer.
// It returns io.EOF if the input ends before a line end.
func (l *lines) appendPhysical() error {
	l.number++
	for {
		part, end, err := l.scan()
		switch {
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return fmt.Errorf("obj.Read: line %d: %w", l.number, err)
		}
		if err := l.take(part); err != nil {
			return fmt.Errorf("obj.Read: line %d: %w", l.number, err)
		}
		if end {
			return nil
		}
	}
}

// scan returns the buffered input up to the next line end, and whether it found
// one. The part is valid until the next call.
func (l *lines) scan() (part []byte, end bool, err error) {
	if _, err := l.r.Peek(1); err != nil {
		return nil, false, err
	}
	part, _ = l.r.Peek(l.r.Buffered())
	if l.cr {
		l.cr = false
		if part[0] == '\n' {
			l.skip(1)
			return nil, false, l.checkBytes()
		}
	}
	for i, c := range part {
		if c == '\n' || c == '\r' {
			l.cr = c == '\r'
			l.skip(i + 1)
			return part[:i], true, l.checkBytes()
		}
	}
	l.skip(len(part))
	return part, false, l.checkBytes()
}

// skip discards n buffered bytes.
func (l *lines) skip(n int) {
	l.r.Discard(n) // cannot fail
	l.bytes += int64(n)
}

func (l *lines) checkBytes() error {
	if l.bytes > l.limits.Bytes {
		return limit.Over(limit.Bytes, l.limits.Bytes)
	}
	return nil
}

// take appends part to the buffer. Comments may be of any length: beyond the
// limit they are discarded.
func (l *lines) take(part []byte) error {
	room := l.limits.LineBytes - len(l.buffer)
	if len(part) <= room {
		l.buffer = append(l.buffer, part...)
		return nil
	}
	l.buffer = append(l.buffer, part[:room]...)
	if bytes.IndexByte(l.buffer, '#') < 0 {
		return limit.Over(limit.LineBytes, int64(l.limits.LineBytes))
	}
	return nil
}
