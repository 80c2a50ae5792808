package obj

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// lines splits input into logical lines: physical lines joined where one ends
// in a backslash, without their line ends (LF or CRLF). A comment is not joined,
// since paths in comments may end in a backslash.
type lines struct {
	r      *bufio.Reader
	limits Limits
	buffer []byte
	number int   // of the last physical line read, from 1
	bytes  int64 // read so far
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
		n := len(l.buffer)
		joined := err == nil && n > 0 && l.buffer[n-1] == '\\' && !isComment(l.buffer)
		if !joined {
			return l.buffer, number, nil
		}
		l.buffer[n-1] = ' '
	}
}

func isComment(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return len(line) > 0 && line[0] == '#'
}

// appendPhysical appends one physical line to the buffer, without its line
// end. It returns io.EOF if the input ended before a newline.
func (l *lines) appendPhysical() error {
	l.number++
	for {
		part, err := l.r.ReadSlice('\n')
		l.bytes += int64(len(part))
		if l.bytes > l.limits.Bytes {
			return fmt.Errorf("obj.Read: %w: more than %d bytes", ErrLimit, l.limits.Bytes)
		}
		if len(l.buffer)+len(part) > l.limits.LineBytes {
			return fmt.Errorf("obj.Read: %w: line %d has more than %d bytes", ErrLimit, l.number, l.limits.LineBytes)
		}
		l.buffer = append(l.buffer, part...)
		switch {
		case err == nil:
			l.buffer = l.buffer[:len(l.buffer)-1]
			if n := len(l.buffer); n > 0 && l.buffer[n-1] == '\r' {
				l.buffer = l.buffer[:n-1]
			}
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return io.EOF
		default:
			return fmt.Errorf("obj.Read: line %d: %w", l.number, err)
		}
	}
}
