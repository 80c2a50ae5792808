package torch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// take returns the next n bytes of the pickle as a view.
func (m *machine) take(n uint64) ([]byte, error) {
	if left := len(m.in) - m.at; n > uint64(left) {
		return nil, fmt.Errorf("%w: %d bytes wanted, %d left", ErrFormat, n, left)
	}
	b := m.in[m.at : m.at+int(n) : m.at+int(n)]
	m.at += int(n)
	return b, nil
}

// uint reads an unsigned integer of n bytes, at most 8.
func (m *machine) uint(n int) (uint64, error) {
	b, err := m.take(uint64(n))
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), nil
}

func (m *machine) u8() (byte, error) {
	v, err := m.uint(1)
	return byte(v), err
}

// counted reads a length of n bytes and that many bytes.
func (m *machine) counted(n int) ([]byte, error) {
	length, err := m.uint(n)
	if err != nil {
		return nil, err
	}
	return m.take(length)
}

// text reads a text with a length of n bytes.
func (m *machine) text(n int) error {
	b, err := m.counted(n)
	if err != nil {
		return err
	}
	if len(b) > MaxTextBytes {
		return fmt.Errorf("%w: text of %d bytes, limit %d", ErrLimit, len(b), MaxTextBytes)
	}
	return m.push(string(b))
}

// line reads a name that ends with a newline.
func (m *machine) line() (string, error) {
	rest := m.in[m.at:]
	n := bytes.IndexByte(rest[:min(len(rest), maxNameBytes+1)], '\n')
	if n < 0 {
		return "", fmt.Errorf("%w: name without an end, or of more than %d bytes", ErrFormat, maxNameBytes)
	}
	m.at += n + 1
	return string(rest[:n]), nil
}

// float reads a float64, which is big-endian.
func (m *machine) float() error {
	b, err := m.take(8)
	if err != nil {
		return err
	}
	return m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
}

// signed reads an integer of n bytes.
func (m *machine) signed(n int) error {
	v, err := m.uint(n)
	if err != nil {
		return err
	}
	shift := 64 - 8*n
	return m.push(int64(v<<shift) >> shift)
}

// unsigned reads a non-negative integer of n bytes, at most 4.
func (m *machine) unsigned(n int) error {
	v, err := m.uint(n)
	if err != nil {
		return err
	}
	return m.push(int64(v))
}

// long reads an integer of any size with a length of n bytes. One of more than
// 64 bits is inert.
func (m *machine) long(n int) error {
	b, err := m.counted(n)
	if err != nil {
		return err
	}
	if len(b) > maxIntBytes {
		return fmt.Errorf("%w: integer of %d bytes, limit %d", ErrLimit, len(b), maxIntBytes)
	}
	if len(b) > 8 {
		return m.push(Inert{"builtins.int"})
	}
	var wide [8]byte
	copy(wide[8-len(b):], b) // in the upper bytes, so that the shift extends the sign
	return m.push(int64(binary.LittleEndian.Uint64(wide[:])) >> (64 - 8*len(b)))
}
