package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/torch"
	"github.com/morton-gen/morton/models/nn"
)

// contents is what a file, or the files of a folder, hold.
type contents struct {
	tensors  map[string]tensor
	config   json.RawMessage
	format   string
	metadata map[string]string
	part     string
	parts    []string
	close    func() error
}

// openPath opens a file or a folder. part is nil for the usual one.
func openPath(path string, part *string) (*contents, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return openFolder(path, part)
	}
	return openFile(path, part)
}

// openFile opens one weights file, whose format its first bytes tell.
func openFile(path string, part *string) (*contents, error) {
	head, err := readHead(path)
	if err != nil {
		return nil, err
	}
	if isSafetensors(head) {
		return openSafetensors(path, part)
	}
	if what := knownOther(head); what != "" {
		return nil, fmt.Errorf("%s: %w: %s", path, ErrFormat, what)
	}
	return openTorch(path, part)
}

const headBytes = 64

// openRegular opens a regular file. A pipe would wait for a writer.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: %v", path, ErrFormat, info.Mode())
	}
	return os.Open(path)
}

// readHead returns the first bytes of a file, at most headBytes.
func readHead(path string) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, headBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	return head[:n], nil
}

// isSafetensors says whether a file begins with the length of a header and the
// header's brace.
func isSafetensors(head []byte) bool {
	return len(head) > 8 && head[8] == '{' && binary.LittleEndian.Uint64(head) <= safetensors.MaxHeaderBytes
}

// knownOther names a file that often stands where weights are expected, or "".
func knownOther(head []byte) string {
	for _, k := range []struct{ magic, what string }{
		{"version https://git-lfs", "a pointer of Git LFS in place of the file: run git lfs pull"},
		{"GGUF", "a GGUF file, which is not read"},
		{"\x89HDF", "an HDF5 file, which is not read"},
		{"\x93NUMPY", "a NumPy array, which is not read"},
		{"<!DOCTYPE", "a web page: the download went wrong"},
		{"<html", "a web page: the download went wrong"},
	} {
		if strings.HasPrefix(string(head), k.magic) {
			return k.what
		}
	}
	return ""
}

func openSafetensors(path string, part *string) (*contents, error) {
	if part != nil && *part != "" {
		return nil, fmt.Errorf("%s: %w: %q, a safetensors file has none", path, ErrPart, *part)
	}
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, classify(err)
	}
	tensors := map[string]tensor{}
	for _, name := range f.Names() {
		t, err := f.Tensor(name)
		if err != nil {
			return nil, errors.Join(classify(err), f.Close())
		}
		tensors[name] = tensor{
			dtype: string(t.DType), shape: t.Shape, sizeBytes: int64(len(t.Data)),
			floats: func() ([]float32, error) { return safetensorsFloats(f, name) },
		}
	}
	return &contents{tensors: tensors, format: "safetensors", metadata: f.Metadata(), close: f.Close}, nil
}

func safetensorsFloats(f *safetensors.File, name string) ([]float32, error) {
	t, err := f.Tensor(name) // again, since Close makes the view invalid
	if err != nil {
		return nil, err
	}
	floats, err := t.Float32s()
	if errors.Is(err, safetensors.ErrDType) {
		err = fmt.Errorf("%w: %w", nn.ErrWeights, err)
	}
	return floats, err
}

// classify gives an error of a codec its kind here. One of the file system keeps its
// own.
func classify(err error) error {
	for _, k := range []struct{ codec, ours error }{
		{safetensors.ErrLimit, ErrLimit},
		{torch.ErrLimit, ErrLimit},
		{safetensors.ErrNotSafetensors, ErrFormat},
		{safetensors.ErrCorrupt, ErrFormat},
		{torch.ErrFormat, ErrFormat},
	} {
		if errors.Is(err, k.codec) {
			return fmt.Errorf("%w: %w", k.ours, err)
		}
	}
	return err
}
