package furniture

import (
	"bufio"
	"bytes"
	"io"
)

// areaOnly reads OBJ text without its face lines of fewer than three corners.
type areaOnly struct {
	lines *bufio.Scanner
	rest  []byte // of the current line
}

// Read implements [io.Reader].
func (r *areaOnly) Read(b []byte) (int, error) {
	for len(r.rest) == 0 {
		if !r.lines.Scan() {
			if err := r.lines.Err(); err != nil {
				return 0, err
			}
			return 0, io.EOF
		}
		line := r.lines.Bytes()
		if words := bytes.Fields(line); len(words) > 0 && len(words) < 4 && string(words[0]) == "f" {
			line = nil // an empty line keeps the numbers of the others
		}
		r.rest = append(append(r.rest[:0], line...), '\n')
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
