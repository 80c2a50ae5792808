package torch

import (
	"fmt"
	"math"
	"strings"

	"github.com/morton-gen/morton/codecs/safetensors"
)

// persistentID replaces a tuple ("storage", class, key, device, elements) by the
// storage it describes.
func (m *machine) persistentID() error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	id, ok := v.(Tuple)
	if !ok || len(id) != 5 || id[0] != any("storage") {
		return fmt.Errorf("%w: a persistent id that is not a storage: %s", ErrFormat, describe(v))
	}
	c, ok := id[1].(*class)
	if !ok || !c.storage {
		return fmt.Errorf("%w: a storage of class %s", ErrUnsafe, describe(id[1]))
	}
	key, ok := id[2].(string)
	if !ok {
		return fmt.Errorf("%w: a storage whose key is %s", ErrFormat, describe(id[2]))
	}
	n, err := count(id[4])
	if err != nil {
		return fmt.Errorf("storage %.40q: %w", key, err)
	}
	size := max(c.dtype.SizeBytes(), 1) // an untyped storage counts bytes
	if n > math.MaxInt/size {
		return fmt.Errorf("%w: storage %.40q of %d elements", ErrFormat, key, n)
	}
	s, err := m.storage(key, int64(n*size))
	if err != nil {
		return err
	}
	return m.push(typed{s, c.dtype})
}

// typed is a storage with an element type, or 0 if untyped.
type typed struct {
	*storage
	dtype safetensors.DType
}

func orderedDict(_ *machine, args Tuple) (any, error) {
	if len(args) != 0 {
		return nil, fmt.Errorf("%w: %d arguments, none expected", ErrFormat, len(args))
	}
	return &Dict{}, nil
}

// size is torch.Size, a tuple.
func size(_ *machine, args Tuple) (any, error) {
	if len(args) == 1 {
		if t, ok := args[0].(Tuple); ok {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%w: the argument is not one tuple", ErrFormat)
}

// rebuildTensor expects (storage, offset, size, stride, ...). The other
// arguments concern gradients.
func rebuildTensor(m *machine, args Tuple) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("%w: %d arguments, 4 or more expected", ErrFormat, len(args))
	}
	s, err := as[typed](args[0], "a storage")
	if err != nil {
		return nil, err
	}
	if s.dtype == "" {
		return nil, fmt.Errorf("%w: an untyped storage without a type", ErrFormat)
	}
	return m.tensor(s, args)
}

// rebuildTensorV3 expects (storage, offset, size, stride, gradient, hooks, type,
// ...), with an untyped storage.
func rebuildTensorV3(m *machine, args Tuple) (any, error) {
	if len(args) < 7 {
		return nil, fmt.Errorf("%w: %d arguments, 7 or more expected", ErrFormat, len(args))
	}
	s, err := as[typed](args[0], "a storage")
	if err != nil {
		return nil, err
	}
	c, err := as[*class](args[6], "an element type")
	if err != nil {
		return nil, err
	}
	if c.dtype == "" || c.storage {
		return nil, fmt.Errorf("%w: %s for an element type", ErrUnsafe, c.name)
	}
	s.dtype = c.dtype
	return m.tensor(s, args)
}

// tensor returns a view of s. The view's offset, size and stride follow the
// storage in args.
func (m *machine) tensor(s typed, args Tuple) (any, error) {
	if m.tensors++; m.tensors > MaxTensors {
		return nil, fmt.Errorf("%w: more than %d tensors", ErrLimit, MaxTensors)
	}
	offset, err := count(args[1])
	if err != nil {
		return nil, fmt.Errorf("offset: %w", err)
	}
	shape, err := counts(args[2])
	if err != nil {
		return nil, fmt.Errorf("size: %w", err)
	}
	stride, err := counts(args[3])
	if err != nil {
		return nil, fmt.Errorf("stride: %w", err)
	}
	t := &Tensor{DType: s.dtype, Shape: shape, stride: stride, offset: offset, storage: s.storage}
	return t, t.check()
}

// rebuildParameter expects (tensor, ...). A parameter is returned as its
// tensor.
func rebuildParameter(_ *machine, args Tuple) (any, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("%w: no arguments", ErrFormat)
	}
	return as[*Tensor](args[0], "a tensor")
}

// rebuildFromType expects (function, type, arguments, state). torch writes tensors
// with attributes in this way. The function must build a tensor, so that calls do
// not nest.
func rebuildFromType(m *machine, args Tuple) (any, error) {
	if len(args) < 3 {
		return nil, fmt.Errorf("%w: %d arguments, 3 or more expected", ErrFormat, len(args))
	}
	f, err := as[*class](args[0], "a function")
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(f.name, "torch._utils._rebuild_") {
		return nil, fmt.Errorf("%w: a call of %s", ErrUnsafe, f.name)
	}
	c, err := as[*class](args[1], "a class")
	if err != nil {
		return nil, err
	}
	if c.name != "torch.Tensor" && c.name != "torch.nn.parameter.Parameter" {
		return nil, fmt.Errorf("%w: a tensor of class %s", ErrUnsafe, c.name)
	}
	return m.make(f, args[2])
}

// as returns v as a T. A value of an inert class gives [ErrUnsafe], and one of
// another type [ErrFormat].
func as[T any](v any, what string) (T, error) {
	if t, ok := v.(T); ok {
		return t, nil
	}
	var none T
	kind := ErrFormat
	switch v.(type) {
	case Inert, *class:
		kind = ErrUnsafe
	}
	return none, fmt.Errorf("%w: %s where %s belongs", kind, describe(v), what)
}

// count returns a non-negative integer.
func count(v any) (int, error) {
	n, err := as[int64](v, "a count")
	if err != nil {
		return 0, err
	}
	if n < 0 || n > math.MaxInt {
		return 0, fmt.Errorf("%w: %d where a count belongs", ErrFormat, n)
	}
	return int(n), nil
}

func counts(v any) ([]int, error) {
	list, err := as[Tuple](v, "a tuple of counts")
	if err != nil {
		return nil, err
	}
	if len(list) > MaxDims {
		return nil, fmt.Errorf("%w: %d dimensions, limit %d", ErrLimit, len(list), MaxDims)
	}
	out := make([]int, len(list))
	for i, v := range list {
		if out[i], err = count(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}
