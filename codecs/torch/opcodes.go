package torch

import "fmt"

// opcodes are those that torch.save writes with pickle protocols 2 to 5.
var opcodes = [256]func(*machine) error{
	0x80: (*machine).protocol,
	0x95: (*machine).frame,
	'.':  func(*machine) error { return errStop },

	'(': (*machine).mark,
	'0': func(m *machine) error { _, err := m.pop(); return err },
	'1': func(m *machine) error { _, err := m.popMark(); return err },
	'2': (*machine).dup,

	'N':  func(m *machine) error { return m.push(nil) },
	0x88: func(m *machine) error { return m.push(true) },
	0x89: func(m *machine) error { return m.push(false) },
	'J':  func(m *machine) error { return m.signed(4) },
	'K':  func(m *machine) error { return m.unsigned(1) },
	'M':  func(m *machine) error { return m.unsigned(2) },
	0x8a: func(m *machine) error { return m.long(1) },
	0x8b: func(m *machine) error { return m.long(4) },
	'G':  (*machine).float,
	'X':  func(m *machine) error { return m.text(4) },
	0x8c: func(m *machine) error { return m.text(1) },
	0x8d: func(m *machine) error { return m.text(8) },
	'B':  func(m *machine) error { return m.bytes(4) },
	'C':  func(m *machine) error { return m.bytes(1) },
	0x8e: func(m *machine) error { return m.bytes(8) },
	0x96: func(m *machine) error { return m.bytes(8) },

	']':  func(m *machine) error { return m.push(&List{}) },
	'a':  (*machine).appendOne,
	'e':  (*machine).appendAll,
	')':  func(m *machine) error { return m.push(Tuple{}) },
	't':  (*machine).tuple,
	0x85: func(m *machine) error { return m.tupleN(1) },
	0x86: func(m *machine) error { return m.tupleN(2) },
	0x87: func(m *machine) error { return m.tupleN(3) },
	'}':  func(m *machine) error { return m.push(&Dict{}) },
	's':  (*machine).setItem,
	'u':  (*machine).setItems,
	0x8f: func(m *machine) error { return m.push(Inert{"builtins.set"}) },
	0x90: (*machine).appendAll,
	0x91: (*machine).frozenSet,

	'h':  func(m *machine) error { return m.get(1) },
	'j':  func(m *machine) error { return m.get(4) },
	'q':  func(m *machine) error { return m.put(1) },
	'r':  func(m *machine) error { return m.put(4) },
	0x94: func(m *machine) error { return m.memoize(uint32(len(m.memo))) },

	'c':  (*machine).global,
	0x93: (*machine).stackGlobal,
	'R':  (*machine).reduce,
	0x81: (*machine).reduce, // NEWOBJ: the same as a call here
	0x92: (*machine).newObjEx,
	'b':  (*machine).build,
	'Q':  (*machine).persistentID,
}

// refusedOpcodes are Python's opcodes that torch.save does not write: extension
// codes, older instance opcodes, those of protocols 0 and 1, and out-of-band
// buffers.
var refusedOpcodes = map[byte]string{
	0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 'i': "INST", 'o': "OBJ", 'P': "PERSID",
	'F': "FLOAT", 'I': "INT", 'L': "LONG", 'S': "STRING", 'T': "BINSTRING", 'U': "SHORT_BINSTRING", 'V': "UNICODE",
	'd': "DICT", 'l': "LIST", 'g': "GET", 'p': "PUT", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
}

func (m *machine) protocol() error {
	v, err := m.u8()
	if err == nil && (v < 2 || v > 5) {
		err = fmt.Errorf("%w: pickle protocol %d, 2 to 5 are read", ErrFormat, v)
	}
	return err
}

// frame skips a frame length, since the pickle is already in memory.
func (m *machine) frame() error {
	n, err := m.uint(8)
	if left := len(m.in) - m.at; err == nil && n > uint64(left) {
		err = fmt.Errorf("%w: frame of %d bytes, %d left", ErrFormat, n, left)
	}
	return err
}

func (m *machine) mark() error {
	if len(m.stack)+len(m.marks) >= MaxStack {
		return fmt.Errorf("%w: more than %d values on the stack", ErrLimit, MaxStack)
	}
	m.marks = append(m.marks, len(m.stack))
	return nil
}

func (m *machine) dup() error {
	v, err := m.top()
	if err != nil {
		return err
	}
	return m.push(v)
}

func (m *machine) bytes(n int) error {
	b, err := m.counted(n)
	if err != nil {
		return err
	}
	return m.push(b)
}

func (m *machine) get(n int) error {
	key, err := m.uint(n)
	if err != nil {
		return err
	}
	return m.recall(uint32(key))
}

func (m *machine) put(n int) error {
	key, err := m.uint(n)
	if err != nil {
		return err
	}
	return m.memoize(uint32(key))
}
