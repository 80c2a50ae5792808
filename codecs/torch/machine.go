package torch

import (
	"errors"
	"fmt"
)

// machine runs a pickle. It builds values and calls nothing (see the package
// description).
type machine struct {
	in    []byte
	at    int
	stack []any
	marks []int // stack depths of MARKs
	memo  map[uint32]any
	// storage returns the storage of a key. Its record must have at least n
	// bytes.
	storage func(key string, n int64) (*storage, error)
	steps   int
	tensors int
}

// errStop ends the program. The result is on top of the stack.
var errStop = errors.New("stop")

// run returns the value that the pickle describes. The error wraps [ErrFormat],
// [ErrUnsafe] or [ErrLimit].
func (m *machine) run() (any, error) {
	m.memo = map[uint32]any{}
	for {
		start := m.at
		err := m.step()
		if err == errStop {
			return m.pop()
		}
		if err != nil {
			return nil, fmt.Errorf("pickle, byte %d: %w", start, err)
		}
	}
}

func (m *machine) step() error {
	if m.steps++; m.steps > MaxOpcodes {
		return fmt.Errorf("%w: more than %d opcodes", ErrLimit, MaxOpcodes)
	}
	code, err := m.u8()
	if err != nil {
		return err
	}
	if do := opcodes[code]; do != nil {
		return do(m)
	}
	if name, ok := refusedOpcodes[code]; ok {
		return fmt.Errorf("%w: opcode %s", ErrUnsafe, name)
	}
	return fmt.Errorf("%w: %#02x is not an opcode", ErrFormat, code)
}

func (m *machine) push(v any) error {
	if len(m.stack)+len(m.marks) >= MaxStack {
		return fmt.Errorf("%w: more than %d values on the stack", ErrLimit, MaxStack)
	}
	m.stack = append(m.stack, v)
	return nil
}

// floor returns the stack depth at the last MARK.
func (m *machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) pop() (any, error) {
	v, err := m.top()
	if err == nil {
		m.stack = m.stack[:len(m.stack)-1]
	}
	return v, err
}

func (m *machine) top() (any, error) {
	if len(m.stack) <= m.floor() {
		return nil, fmt.Errorf("%w: the stack is empty", ErrFormat)
	}
	return m.stack[len(m.stack)-1], nil
}

// popN removes the last n values and returns a copy of them.
func (m *machine) popN(n int) ([]any, error) {
	from := len(m.stack) - n
	if from < m.floor() {
		return nil, fmt.Errorf("%w: the stack is empty", ErrFormat)
	}
	list := append(make([]any, 0, n), m.stack[from:]...)
	m.stack = m.stack[:from]
	return list, nil
}

// popMark removes the last MARK and the values above it, and returns a copy of them.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, fmt.Errorf("%w: no MARK on the stack", ErrFormat)
	}
	list, err := m.popN(len(m.stack) - m.floor())
	m.marks = m.marks[:len(m.marks)-1]
	return list, err
}

func (m *machine) memoize(key uint32) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	if _, known := m.memo[key]; !known && len(m.memo) >= MaxMemo {
		return fmt.Errorf("%w: more than %d memo entries", ErrLimit, MaxMemo)
	}
	m.memo[key] = v
	return nil
}

func (m *machine) recall(key uint32) error {
	v, ok := m.memo[key]
	if !ok {
		return fmt.Errorf("%w: memo has no entry %d", ErrFormat, key)
	}
	return m.push(v)
}
