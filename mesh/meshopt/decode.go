package meshopt

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors a caller can branch on.
var (
	// ErrCorrupt reports bytes that do not match the view.
	ErrCorrupt = errors.New("corrupt meshopt data")
	// ErrVersion reports a bitstream of an unsupported version.
	ErrVersion = errors.New("unsupported version of meshopt data")
)

// View describes packed data in the terms of the extension.
type View struct {
	Mode   string // ATTRIBUTES, TRIANGLES or INDICES
	Filter string // NONE or empty, OCTAHEDRAL, QUATERNION or EXPONENTIAL
	Count  int    // elements
	Stride int    // bytes of an element
}

// maxCount bounds Count so that no product of it overflows.
const maxCount = 1 << 31

// Bytes returns the size of the unpacked view. The error wraps [ErrCorrupt] if v
// violates the extension.
func (v View) Bytes() (int64, error) {
	ok := v.Count >= 0 && v.Count < maxCount
	switch v.Mode {
	case "ATTRIBUTES":
		ok = ok && v.Stride >= 4 && v.Stride <= 256 && v.Stride%4 == 0
	case "TRIANGLES":
		ok = ok && (v.Stride == 2 || v.Stride == 4) && v.Count%3 == 0 && v.plain()
	case "INDICES":
		ok = ok && (v.Stride == 2 || v.Stride == 4) && v.plain()
	default:
		ok = false
	}
	switch v.Filter {
	case "", "NONE", "EXPONENTIAL":
	case "OCTAHEDRAL":
		ok = ok && (v.Stride == 4 || v.Stride == 8)
	case "QUATERNION":
		ok = ok && v.Stride == 8
	default:
		ok = false
	}
	if !ok {
		return 0, fmt.Errorf("%w: mode %.20q, filter %.20q, %d elements of %d bytes", ErrCorrupt, v.Mode, v.Filter, v.Count, v.Stride)
	}
	return int64(v.Count) * int64(v.Stride), nil
}

func (v View) plain() bool { return v.Filter == "" || v.Filter == "NONE" }

// Decode unpacks a view and undoes its filter. It allocates [View.Bytes] bytes,
// which the caller accounts for.
//
// The error wraps [ErrCorrupt] or [ErrVersion].
func Decode(data []byte, v View) ([]byte, error) {
	n, err := v.Bytes()
	if err != nil {
		return nil, fmt.Errorf("meshopt.Decode: %w", err)
	}
	var out []byte
	switch v.Mode {
	case "ATTRIBUTES":
		out, err = attributes(data, v.Count, v.Stride, int(n))
	case "TRIANGLES":
		out, err = triangles(data, v, int(n))
	default:
		out, err = indices(data, v, int(n))
	}
	if err != nil {
		return nil, fmt.Errorf("meshopt.Decode: %w", err)
	}
	unfilter(out, v)
	return out, nil
}

// reader reads bytes from the front and records whether they ran out.
type reader struct {
	data  []byte
	short bool
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.short = true
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

// take returns the next n bytes, or nil.
func (r *reader) take(n int) []byte {
	if n > len(r.data) {
		r.short = true
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

// varint reads an unsigned LEB128 of 32 bits.
func (r *reader) varint() uint32 {
	x := uint32(0)
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		x |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return x
		}
	}
	r.short = true
	return x
}

func (r *reader) check() error {
	if r.short {
		return fmt.Errorf("%w: it ends too early", ErrCorrupt)
	}
	return nil
}

// header reads the first byte, which has kind and version, and removes tail
// bytes from the end.
func header(data []byte, kind byte, versions, tail int) (r *reader, end []byte, err error) {
	if len(data) < 1+tail {
		return nil, nil, fmt.Errorf("%w: %d bytes", ErrCorrupt, len(data))
	}
	if data[0]&0xf0 != kind {
		return nil, nil, fmt.Errorf("%w: it begins with %#x", ErrCorrupt, data[0])
	}
	if int(data[0]&0x0f) > versions {
		return nil, nil, fmt.Errorf("%w: %d", ErrVersion, data[0]&0x0f)
	}
	at := len(data) - tail
	return &reader{data: data[1:at]}, data[at:], nil
}

// unzigzag maps 0, 1, 2, 3, 4 to 0, -1, 1, -2, 2.
func unzigzag(x uint32) uint32 { return x>>1 ^ -(x & 1) }

// appendIndex appends an index of 2 or 4 bytes.
func appendIndex(out []byte, x uint32, stride int) []byte {
	if stride == 2 {
		return binary.LittleEndian.AppendUint16(out, uint16(x))
	}
	return binary.LittleEndian.AppendUint32(out, x)
}
