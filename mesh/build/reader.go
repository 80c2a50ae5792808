package build

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh/limit"
)

// ErrToken reports a word longer than any number or keyword.
var ErrToken = errkind.New("syntax", "a word without an end")

// maxToken exceeds the longest decimal of a float64, which has 1,079
// characters.
const maxToken = 2048

// Reader reads bytes and words of a file up to a limit.
type Reader struct {
	*bufio.Reader
	token []byte
	line  int
}

// NewReader returns a Reader that gives an error wrapping [limit.ErrLimit] where
// r has more bytes than the limits allow.
func NewReader(r io.Reader, limits limit.Limits) *Reader {
	return &Reader{Reader: bufio.NewReaderSize(&bounded{r, limits.Bytes, limits.Bytes}, 1<<16), line: 1}
}

type bounded struct {
	r    io.Reader
	left int64
	all  int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, limit.Over(limit.Bytes, b.all)
	}
	return n, err
}

// Line returns the number of the current line, from 1, if the file was read by
// words alone.
func (r *Reader) Line() int { return r.line }

// Word returns the next word: text between blanks and line ends (LF, CRLF or
// CR). With comments, a # ends the line. The word is valid until the next call.
// At the end it returns io.EOF.
func (r *Reader) Word(comments bool) ([]byte, error) {
	if err := r.skipBlanks(comments); err != nil {
		return nil, err
	}
	r.token = r.token[:0]
	for {
		c, err := r.ReadByte()
		if err == io.EOF && len(r.token) > 0 {
			return r.token, nil
		}
		if err != nil {
			return nil, err
		}
		if isBlank(c) || comments && c == '#' {
			return r.token, r.UnreadByte()
		}
		if len(r.token) == maxToken {
			return nil, fmt.Errorf("line %d: %w: it begins with %.20q", r.line, ErrToken, r.token)
		}
		r.token = append(r.token, c)
	}
}

func (r *Reader) skipBlanks(comments bool) error {
	for {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return err
		case comments && c == '#':
			if err := r.SkipLine(); err != nil {
				return err
			}
		case isBlank(c):
			r.count(c)
		default:
			return r.UnreadByte()
		}
	}
}

// Ends reports whether only blanks and a comment are left of the line.
func (r *Reader) Ends() (bool, error) {
	words, err := r.lookAhead()
	return words == 0, err
}

// Alone reports, without reading it, whether the next line that is not blank or a
// comment has one word. It returns false for a line longer than the buffer.
func (r *Reader) Alone() (bool, error) {
	if err := r.skipBlanks(true); err != nil {
		if err == io.EOF {
			err = nil
		}
		return false, err
	}
	words, err := r.lookAhead()
	return words == 1, err
}

// lookAhead counts the words up to the line's end or a comment without reading
// them.
func (r *Reader) lookAhead() (words int, err error) {
	for n := 1; n <= maxToken; n++ {
		line, err := r.Peek(n)
		if err == io.EOF {
			return len(bytes.Fields(line)), nil
		}
		if err != nil {
			return 0, err
		}
		if c := line[n-1]; c == '\n' || c == '\r' || c == '#' {
			return len(bytes.Fields(line[:n-1])), nil
		}
	}
	return maxToken, nil
}

// SkipLine skips to the line after. It returns io.EOF if there is none.
func (r *Reader) SkipLine() error {
	for {
		c, err := r.ReadByte()
		if err != nil {
			return err
		}
		if c == '\n' || c == '\r' {
			r.count(c)
			return nil
		}
	}
}

// count counts a line end; a CR before an LF is part of it.
func (r *Reader) count(c byte) {
	if c == '\r' {
		if next, err := r.Peek(1); err == nil && next[0] == '\n' {
			return // the LF counts
		}
	}
	if c == '\n' || c == '\r' {
		r.line++
	}
}

func isBlank(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\v' || c == '\f'
}
