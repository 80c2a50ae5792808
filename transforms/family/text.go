package family

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/request"
)

// ErrText reports a file without usable features of a text or a control.
var ErrText = errkind.New("bad_text", "no features of a text or a control")

// maxTextElems bounds the features of a text. A published one has 120 rows of 2048.
const maxTextElems = 1 << 24

// readText reads the features of a text, or of a control (see [request.SplitText]), [n, features] row-major. The
// error wraps [ErrText], [ErrNotFile] or [ErrEmptyFile], or is the file system's.
func readText(text string, features int) ([]float32, error) {
	path, name := request.SplitText(text)
	if _, err := meshfile.Head(path); err != nil {
		return nil, err
	}
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, fmt.Errorf("family.Decode: %w: %w", ErrText, err)
	}
	defer f.Close()
	t, err := textTensor(f, name)
	if err != nil {
		return nil, fmt.Errorf("family.Decode: %w: %s: %w", ErrText, path, err)
	}
	if len(t.Shape) != 2 || t.Shape[0] < 1 || t.Shape[1] != features || t.Elements() > maxTextElems {
		return nil, fmt.Errorf("family.Decode: %w: %s: a tensor of shape %v, want [tokens, %d]", ErrText, path, t.Shape, features)
	}
	x, err := t.Float32s()
	if err != nil {
		return nil, fmt.Errorf("family.Decode: %w: %s: %w", ErrText, path, err)
	}
	return x, nil
}

// textTensor returns the named tensor, or the only one with two axes.
func textTensor(f *safetensors.File, name string) (found safetensors.Tensor, err error) {
	if name != "" {
		return f.Tensor(name)
	}
	n := 0
	for _, name := range f.Names() {
		t, err := f.Tensor(name)
		if err != nil {
			return found, err
		}
		if len(t.Shape) == 2 {
			found = t
			n++
		}
	}
	if n != 1 {
		return found, fmt.Errorf("%d tensors of two axes, want one, or FILE#TENSOR", n)
	}
	return found, nil
}
