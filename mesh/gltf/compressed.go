package gltf

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/morton-gen/morton/mesh/meshopt"
	qgltf "github.com/qmuntal/gltf"
)

// viewBytes returns the bytes of buffer view i, unpacked by meshopt if necessary.
func (r *reader) viewBytes(i int, v *qgltf.BufferView) ([]byte, error) {
	if name, ok := has(v.Extensions, extMeshopt...); ok {
		return r.unpacked(i, v, name)
	}
	data, err := r.buffer(v.Buffer)
	if err != nil {
		return nil, err
	}
	return part(data, v.ByteOffset, v.ByteLength, i)
}

// part returns n bytes of a buffer.
func part(data []byte, offset, n, view int) ([]byte, error) {
	if offset < 0 || n < 0 || offset > len(data) || n > len(data)-offset {
		return nil, fmt.Errorf("%w: buffer view %d: bytes %d+%d of %d", ErrCorrupt, view, offset, n, len(data))
	}
	return data[offset : offset+n], nil
}

// packing is the extension's object in a buffer view.
type packing struct {
	Buffer, ByteOffset, ByteLength int
	ByteStride, Count              int
	Mode, Filter                   string
}

// unpacked returns a packed view, unpacked on first use.
func (r *reader) unpacked(i int, v *qgltf.BufferView, name string) ([]byte, error) {
	if data, ok := r.views[i]; ok {
		return data, nil
	}
	raw, _ := v.Extensions[name].(json.RawMessage)
	var p packing
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("%w: %s: %s", ErrCorrupt, name, inWords(err))
	}
	data, err := r.unpack(p, i)
	if err != nil {
		return nil, fmt.Errorf("buffer view %d: %s: %w", i, name, err)
	}
	if len(data) != v.ByteLength || v.ByteStride != 0 && v.ByteStride != p.ByteStride {
		return nil, fmt.Errorf("%w: buffer view %d: %d bytes with stride %d hold %d with stride %d",
			ErrCorrupt, i, v.ByteLength, v.ByteStride, len(data), p.ByteStride)
	}
	r.applied[name] = true
	r.views[i] = data
	return data, nil
}

func (r *reader) unpack(p packing, view int) ([]byte, error) {
	all, err := r.buffer(p.Buffer)
	if err != nil {
		return nil, err
	}
	packed, err := part(all, p.ByteOffset, p.ByteLength, view)
	if err != nil {
		return nil, err
	}
	as := meshopt.View{Mode: p.Mode, Filter: p.Filter, Count: p.Count, Stride: p.ByteStride}
	n, err := as.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if err := r.left.spendBytes(n); err != nil {
		return nil, err
	}
	data, err := meshopt.Decode(packed, as)
	if err != nil {
		return nil, unpackError(err)
	}
	return data, nil
}

// unpackError turns an unsupported version into [ErrExtension] and any other
// error into [ErrCorrupt].
func unpackError(err error) error {
	if errors.Is(err, meshopt.ErrVersion) {
		return fmt.Errorf("%w: %w", ErrExtension, err)
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}
