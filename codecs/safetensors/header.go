package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"unicode/utf8"
)

const (
	// MaxHeaderBytes is the largest header accepted or written, as in the
	// reference implementation.
	MaxHeaderBytes = 100_000_000

	prefixBytes = 8
	metadataKey = "__metadata__"
)

// entry is one tensor of the header: its bytes are data[from:to].
type entry struct {
	dtype    DType
	shape    []int
	from, to int
}

type header struct {
	tensors  map[string]entry
	metadata map[string]string
	end      int // where tensor data starts in the file
}

// parse reads and checks the header of a whole file. Unlike the reference
// implementation it rejects duplicate names.
func parse(b []byte) (*header, error) {
	if len(b) < prefixBytes+2 {
		return nil, fmt.Errorf("%w: %d bytes", ErrNotSafetensors, len(b))
	}
	n := binary.LittleEndian.Uint64(b)
	if b[prefixBytes] != '{' {
		return nil, fmt.Errorf("%w: header starts with %q", ErrNotSafetensors, b[prefixBytes])
	}
	if n > MaxHeaderBytes {
		return nil, fmt.Errorf("%w: header of %d bytes, limit %d", ErrLimit, n, MaxHeaderBytes)
	}
	if n > uint64(len(b)-prefixBytes) {
		return nil, fmt.Errorf("%w: header of %d bytes in a file of %d", ErrCorrupt, n, len(b))
	}
	h := &header{tensors: map[string]entry{}, end: prefixBytes + int(n)}
	text := b[prefixBytes:h.end]
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%w: header is not UTF-8", ErrCorrupt)
	}
	if err := h.parseJSON(text); err != nil {
		return nil, err
	}
	return h, h.checkCover(len(b) - h.end)
}

func (h *header) parseJSON(text []byte) error {
	p := parser{json.NewDecoder(bytes.NewReader(text))}
	p.UseNumber()
	err := p.object(func(name string) error {
		if name == metadataKey {
			var err error
			h.metadata, err = p.stringMap()
			return err
		}
		e, err := p.entry()
		if err != nil {
			return fmt.Errorf("tensor %.100q: %w", name, err)
		}
		h.tensors[name] = e
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := p.Token(); err != io.EOF {
		return fmt.Errorf("%w: text after the header's object", ErrCorrupt)
	}
	return nil
}

// parser reads JSON token by token. Decoding into structs would ignore the case
// of keys and accept duplicate ones.
type parser struct{ *json.Decoder }

func (p parser) token() (json.Token, error) {
	t, err := p.Token()
	if err != nil {
		return nil, fmt.Errorf("%w: header: %v", ErrCorrupt, err)
	}
	return t, nil
}

func (p parser) delim(want json.Delim) error {
	t, err := p.token()
	if err == nil && t != want {
		err = fmt.Errorf("%w: header has %.40v where %q belongs", ErrCorrupt, t, want)
	}
	return err
}

// object reads an object; value must consume the value of each key.
func (p parser) object(value func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.More() {
		t, err := p.token()
		if err != nil {
			return err
		}
		key := t.(string) // keys are always strings
		if seen[key] {
			return fmt.Errorf("%w: duplicate key %.100q", ErrCorrupt, key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p parser) stringMap() (map[string]string, error) {
	m := map[string]string{}
	return m, p.object(func(key string) error {
		s, err := p.text()
		m[key] = s
		return err
	})
}

func (p parser) text() (string, error) {
	t, err := p.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("%w: header has %.40v where a string belongs", ErrCorrupt, t)
	}
	return s, nil
}

// ints reads an array of non-negative integers.
func (p parser) ints() ([]int, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	list := []int{}
	for p.More() {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		number, _ := t.(json.Number)
		n, err := strconv.ParseUint(string(number), 10, 64)
		if err != nil || n > math.MaxInt {
			return nil, fmt.Errorf("%w: header has %.40v where a size belongs", ErrCorrupt, t)
		}
		list = append(list, int(n))
	}
	return list, p.delim(']')
}

func (p parser) entry() (entry, error) {
	var e entry
	var offsets []int
	err := p.object(func(key string) (err error) {
		switch key {
		case "dtype":
			var name string
			if name, err = p.text(); err == nil {
				e.dtype = DType(name)
			}
		case "shape":
			e.shape, err = p.ints()
		case "data_offsets":
			offsets, err = p.ints()
		default:
			err = fmt.Errorf("%w: unknown key %.40q", ErrCorrupt, key)
		}
		return err
	})
	if err != nil {
		return e, err
	}
	if e.dtype == "" || e.shape == nil || len(offsets) != 2 {
		return e, fmt.Errorf("%w: dtype, shape or data_offsets is missing", ErrCorrupt)
	}
	if !e.dtype.isName() {
		return e, fmt.Errorf("%w: dtype %.40q", ErrCorrupt, string(e.dtype))
	}
	e.from, e.to = offsets[0], offsets[1]
	n, err := sizeOf(e.dtype, e.shape, ErrCorrupt)
	known := e.dtype.SizeBytes() > 0
	if err == nil && (e.to < e.from || known && e.to-e.from != n) {
		err = fmt.Errorf("%w: bytes %d to %d for %d bytes of %v", ErrCorrupt, e.from, e.to, n, e.dtype)
	}
	return e, err
}

// checkCover returns an error unless the tensors cover size bytes of data
// exactly, without gaps or overlaps.
func (h *header) checkCover(size int) error {
	list := make([]entry, 0, len(h.tensors))
	for _, e := range h.tensors {
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		return a.from < b.from || a.from == b.from && a.to < b.to
	})
	at := 0
	for _, e := range list {
		if e.from != at {
			return fmt.Errorf("%w: a tensor starts at byte %d, the one before ends at %d", ErrCorrupt, e.from, at)
		}
		at = e.to
	}
	if at != size {
		return fmt.Errorf("%w: tensors take %d bytes, the file holds %d", ErrCorrupt, at, size)
	}
	return nil
}
