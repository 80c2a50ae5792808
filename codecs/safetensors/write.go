package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/morton-gen/morton/internal/atomicfile"
)

// Write writes the tensors to path: to a temporary name, synced, then renamed.
// The bytes do not depend on the order of tensors. With at most one metadata key
// they equal those of the reference implementation: tensors by element type,
// widest first, then by name; the header padded with spaces to a multiple of 8
// bytes. Metadata keys are sorted. The error wraps [ErrTensor], [ErrDType] or
// [ErrLimit], or is the file system's.
func Write(path string, tensors []NamedTensor, metadata map[string]string) error {
	order := slices.Clone(tensors)
	slices.SortStableFunc(order, func(a, b NamedTensor) int {
		if a.DType != b.DType {
			return ranks[b.DType] - ranks[a.DType]
		}
		return strings.Compare(a.Name, b.Name)
	})
	head, err := encodeHeader(order, metadata)
	if err != nil {
		return fmt.Errorf("safetensors.Write: %w", err)
	}
	f, err := atomicfile.Create(path)
	if err != nil {
		return fmt.Errorf("safetensors.Write: %w", err)
	}
	defer f.Abort()
	if err := writeParts(f, head, order); err != nil {
		return fmt.Errorf("safetensors.Write: %w", err)
	}
	if err := f.Commit(); err != nil {
		return fmt.Errorf("safetensors.Write: %w", err)
	}
	return nil
}

func writeParts(w io.Writer, head []byte, order []NamedTensor) error {
	if _, err := w.Write(head); err != nil {
		return err
	}
	for i := range order {
		if _, err := w.Write(order[i].Data); err != nil {
			return err
		}
	}
	return nil
}

// encodeHeader returns the length prefix and the padded header.
func encodeHeader(order []NamedTensor, metadata map[string]string) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, prefixBytes))
	b.WriteByte('{')
	if len(metadata) > 0 {
		writeMetadata(&b, metadata)
	}
	seen := map[string]bool{}
	at := 0
	for i := range order {
		t := &order[i]
		if err := t.check(); err != nil {
			return nil, err
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("%w: duplicate name %q", ErrTensor, t.Name)
		}
		seen[t.Name] = true
		separate(&b)
		writeText(&b, t.Name)
		shape := strings.Join(strings.Fields(fmt.Sprint(t.Shape)), ",")
		fmt.Fprintf(&b, `:{"dtype":"%v","shape":%s,"data_offsets":[%d,%d]}`, t.DType, shape, at, at+len(t.Data))
		at += len(t.Data)
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	n := b.Len() - prefixBytes
	if n > MaxHeaderBytes {
		return nil, fmt.Errorf("%w: header of %d bytes, limit %d", ErrLimit, n, MaxHeaderBytes)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(n))
	return b.Bytes(), nil
}

func writeMetadata(b *bytes.Buffer, metadata map[string]string) {
	writeText(b, metadataKey)
	b.WriteString(":{")
	for i, k := range slices.Sorted(maps.Keys(metadata)) {
		if i > 0 {
			b.WriteByte(',')
		}
		writeText(b, k)
		b.WriteByte(':')
		writeText(b, metadata[k])
	}
	b.WriteByte('}')
}

// separate writes a comma except at the start of an object.
func separate(b *bytes.Buffer) {
	if b.Len() > prefixBytes+1 {
		b.WriteByte(',')
	}
}

// writeText writes s as a JSON string.
func writeText(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // writing a string to a buffer cannot fail
	b.Truncate(b.Len() - 1)
}
