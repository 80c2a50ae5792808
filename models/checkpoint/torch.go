package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/torch"
	"github.com/morton-gen/morton/models/nn"
)

func openTorch(path string, part *string) (*contents, error) {
	f, err := torch.Open(path)
	if err != nil {
		return nil, classify(err)
	}
	c, err := torchContents(f.Root(), part)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	c.close = f.Close
	return c, nil
}

// torchContents returns a part of the object that a torch file holds.
func torchContents(root any, part *string) (*contents, error) {
	d, ok := root.(*torch.Dict)
	if !ok {
		return nil, fmt.Errorf("%w: the file holds no dictionary of tensors", ErrFormat)
	}
	parts := findParts(d)
	name, err := choose(parts, part)
	if err != nil {
		return nil, err
	}
	tensors, err := torchTensors(parts[name])
	if err != nil {
		return nil, err
	}
	return &contents{
		tensors: tensors, format: "torch", metadata: notes(d),
		part: name, parts: slices.Sorted(maps.Keys(parts)),
	}, nil
}

// torchTensors returns the tensors of a dictionary. Whatever else it holds, such as
// buffers that are None, is no weight.
func torchTensors(d *torch.Dict) (map[string]tensor, error) {
	tensors := map[string]tensor{}
	for name, v := range d.All() {
		t, ok := v.(*torch.Tensor)
		if !ok {
			continue
		}
		if !utf8.ValidString(name) || len(name) > maxNameBytes {
			return nil, fmt.Errorf("%w: tensor name %.40q is not UTF-8, or is over %d bytes", ErrFormat, name, maxNameBytes)
		}
		tensors[name] = tensor{
			dtype: string(t.DType), shape: t.Shape, sizeBytes: int64(t.Elements()) * int64(t.DType.SizeBytes()),
			floats: func() ([]float32, error) { return torchFloats(t) },
		}
	}
	return tensors, nil
}

func torchFloats(t *torch.Tensor) ([]float32, error) {
	floats, err := t.Float32s()
	if errors.Is(err, safetensors.ErrDType) {
		err = fmt.Errorf("%w: %w", nn.ErrWeights, err)
	}
	return floats, err
}

const (
	maxNameBytes = 1 << 12 // of a tensor
	maxNoteBytes = 1 << 12 // of a text that metadata keeps
	maxNotes     = 1 << 10
	maxDepth     = 2 // keys that lead to a part
)

// findParts returns the dictionaries that hold tensors, by the keys that lead to
// them. A dictionary that stands at several places counts at the first.
func findParts(root *torch.Dict) map[string]*torch.Dict {
	parts := map[string]*torch.Dict{}
	seen := map[*torch.Dict]bool{}
	var walk func(d *torch.Dict, path []string)
	walk = func(d *torch.Dict, path []string) {
		if seen[d] {
			return
		}
		seen[d] = true
		name := strings.Join(path, "/")
		if parts[name] == nil && holdsTensors(d) {
			parts[name] = d
		}
		if len(path) == maxDepth {
			return
		}
		for key, v := range d.All() {
			if inner, ok := v.(*torch.Dict); ok && utf8.ValidString(key) && len(key) <= maxNameBytes {
				walk(inner, append(slices.Clone(path), key))
			}
		}
	}
	walk(root, nil)
	return parts
}

func holdsTensors(d *torch.Dict) bool {
	for _, v := range d.All() {
		if _, ok := v.(*torch.Tensor); ok {
			return true
		}
	}
	return false
}

// usual are the parts in which training scripts keep a network's weights, the
// likelier first. "" is the file's own dictionary. MAR is evaluated with the moving
// average that lies beside what was trained. VAR's scripts, and those made of them, keep the
// state of a trainer.
var usual = []string{"model_ema", "model", "module", "state_dict", "ema", "trainer/var_wo_ddp", ""}

// choose returns the name of the part that is asked for, or of the usual one.
func choose(parts map[string]*torch.Dict, part *string) (string, error) {
	names := slices.Sorted(maps.Keys(parts))
	if len(names) == 0 {
		return "", fmt.Errorf("%w: the file holds no tensors under names", ErrFormat)
	}
	if part != nil {
		if parts[*part] == nil {
			return "", fmt.Errorf("%w: %q, there are %s", ErrPart, *part, list(names))
		}
		return *part, nil
	}
	for _, name := range usual {
		if parts[name] != nil {
			return name, nil
		}
	}
	if len(names) > 1 {
		return "", fmt.Errorf("%w: parts %s", ErrAmbiguous, list(names))
	}
	return names[0], nil
}

// list names at most a dozen of names, quoted.
func list(names []string) string {
	const most = 12
	var b strings.Builder
	for i, name := range names[:min(len(names), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.80q", name)
	}
	if n := len(names) - most; n > 0 {
		fmt.Fprintf(&b, " and %d more", n)
	}
	return b.String()
}

// notes returns the texts and numbers of a dictionary.
func notes(d *torch.Dict) map[string]string {
	out := map[string]string{}
	for key, v := range d.All() {
		text, ok := note(v)
		if ok && len(out) < maxNotes && len(key)+len(text) <= maxNoteBytes && utf8.ValidString(key) && utf8.ValidString(text) {
			out[key] = text
		}
	}
	return out
}

func note(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return "", false
}
