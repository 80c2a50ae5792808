package torch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// The helpers below write parts of pickles.

func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func integer(v int) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(v)))
}

func named(module, name string) string { return "c" + module + "\n" + name + "\n" }

func ints(list ...int) string {
	out := "("
	for _, v := range list {
		out += integer(v)
	}
	return out + "t"
}

// stored is a storage of n elements under the key "0".
func stored(class string, n int) string {
	module, name := "torch", class
	if class == "UntypedStorage" {
		module = "torch.storage"
	}
	return "(" + text("storage") + named(module, name) + text("0") + text("cpu") + integer(n) + "tQ"
}

// view is a tensor of f32 over a storage of 12 elements.
func view(offset int, size, stride []int) string {
	return named("torch._utils", "_rebuild_tensor_v2") + "(" + stored("FloatStorage", 12) + integer(offset) +
		ints(size...) + ints(stride...) + "\x89" + named("collections", "OrderedDict") + ")RtR"
}

// storages has one record of 48 bytes, under the key "0".
func storages(key string, n int64) (*storage, error) {
	if key != "0" || n > 48 {
		return nil, fmt.Errorf("%w: no storage %q of %d bytes", ErrFormat, key, n)
	}
	return &storage{name: key, bytes: 48, r: strings.NewReader(strings.Repeat("\x00\x00\x80\x3f", 12))}, nil
}

func unpickle(program string) (any, error) {
	return (&machine{in: []byte(program), storage: storages}).run()
}

// malicious pickles ask for more than tensors.
var malicious = []struct{ name, program, says string }{
	{"os.system by REDUCE", "\x80\x02" + named("posix", "system") + text("touch /tmp/owned") + "\x85R.", "posix.system"},
	{"os.system under protocol 4", "\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", "os.system"},
	{"builtins.eval", "\x80\x02" + named("builtins", "eval") + text("1") + "\x85R.", "builtins.eval"},
	{"eval of Python 2", "\x80\x02" + named("__builtin__", "eval") + text("1") + "\x85R.", "__builtin__.eval"},
	{"builtins.getattr", "\x80\x02" + named("builtins", "getattr") + ".", "builtins.getattr"},
	{"a dotted name", "\x80\x04\x8c\x08argparse\x8c\x0a_os.system\x93.", "argparse._os.system"},
	{"torch's own loader", "\x80\x02" + named("torch.storage", "_load_from_bytes") + ".", "_load_from_bytes"},
	{"a module like an inert one", "\x80\x02" + named("omegaconfig", "X") + ".", "omegaconfig.X"},
	{"INST", "\x80\x02(" + text("id") + "ios\nsystem\n.", "INST"},
	{"OBJ", "\x80\x02(" + named("argparse", "Namespace") + "o.", "OBJ"},
	{"STACK_GLOBAL from the memo", "\x80\x04\x8c\x02os\x940\x8c\x06system\x940h\x00h\x01\x93.", "os.system"},
	{"BUILD with __setstate__", "\x80\x02" + named("torch", "Size") + "}" + text("__setstate__") + text("x") + "sb.", "a state for torch.Size"},
	{"BUILD of a tensor", "\x80\x02" + view(0, []int{1}, []int{1}) + "}b.", "a state for a tensor"},
	{"BUILD of a list", "\x80\x02]}b.", "a state for a list"},
	{"EXT1", "\x80\x02\x82\x01.", "EXT1"},
	{"EXT2", "\x80\x02\x83\x01\x00.", "EXT2"},
	{"EXT4", "\x80\x02\x84\x01\x00\x00\x00.", "EXT4"},
	{"PERSID", "\x80\x02P0\n.", "PERSID"},
	{"an integer as text", "\x80\x02I1\n.", "INT"},
	{"a buffer outside", "\x80\x05\x97.", "NEXT_BUFFER"},
	{"a call of an inert value", "\x80\x02" + named("argparse", "Namespace") + ")R)R.", "a call of argparse.Namespace"},
	{"a call of a text", "\x80\x02" + text("os.system") + ")R.", "a call of the text"},
	{"a call of a storage's class", "\x80\x02" + named("torch", "FloatStorage") + ")R.", "torch.FloatStorage"},
	{"a call of an element type", "\x80\x02" + named("torch", "float32") + ")\x81.", "torch.float32"},
	{"arguments by name for a builder", "\x80\x04" + named("torch", "Size") + ")}\x92.", "torch.Size"},
	{"an inert value for a storage", "\x80\x02" + named("torch._utils", "_rebuild_tensor_v2") +
		"(" + named("argparse", "Namespace") + ")R" + integer(0) + ")))tR.", "argparse.Namespace where a storage"},
	{"an inert value for a size", "\x80\x02" + named("torch._utils", "_rebuild_tensor_v2") +
		"(" + stored("FloatStorage", 12) + integer(0) + named("numpy", "ndarray") + ")R)tR.", "numpy.ndarray where a tuple"},
	{"a class for a parameter's tensor", "\x80\x02" + named("torch._utils", "_rebuild_parameter") +
		named("numpy", "ndarray") + "\x85R.", "numpy.ndarray where a tensor"},
	{"a storage of an inert class", "\x80\x02(" + text("storage") + named("numpy", "ndarray") + text("0") + text("cpu") + integer(1) + "tQ.", "numpy.ndarray"},
	{"a tensor of a strange class", "\x80\x02" + named("torch._tensor", "_rebuild_from_type_v2") +
		"(" + named("torch._utils", "_rebuild_tensor_v2") + named("numpy", "ndarray") + ")}tR.", "a tensor of class numpy.ndarray"},
	{"calls that nest", "\x80\x02" + named("torch._tensor", "_rebuild_from_type_v2") +
		"(" + named("torch._tensor", "_rebuild_from_type_v2") + named("torch", "Tensor") + ")}tR.", "a call of torch._tensor"},
	{"a class for an element type", "\x80\x02" + named("torch._utils", "_rebuild_tensor_v3") +
		"(" + stored("UntypedStorage", 4) + integer(0) + "))\x89N" + named("torch", "FloatStorage") + "tR.", "torch.FloatStorage for an element type"},
}

func TestMalicious(t *testing.T) {
	for _, c := range malicious {
		v, err := unpickle(c.program)
		if !errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v; want ErrUnsafe that says %q", c.name, v, err, c.says)
		}
	}
}

// TestOpcodesAreClosed counts the table of opcodes: 49 of Python's 68 are read, 19 are
// refused by name.
func TestOpcodesAreClosed(t *testing.T) {
	read := 0
	for code, do := range opcodes {
		if _, refused := refusedOpcodes[byte(code)]; refused && do != nil {
			t.Errorf("opcode %#x is read and refused", code)
		}
		if do != nil {
			read++
		}
	}
	if read != 49 || len(refusedOpcodes) != 19 {
		t.Errorf("%d opcodes are read and %d refused", read, len(refusedOpcodes))
	}
}

// broken pickles end without their STOP, which the tests append.
var broken = []struct {
	name, program string
	want          error
}{
	{"nothing at the end", "\x80\x02", ErrFormat},
	{"protocol 1", "\x80\x01N", ErrFormat},
	{"protocol 6", "\x80\x06N", ErrFormat},
	{"not an opcode", "\x80\x02N\xff", ErrFormat},
	{"pop of nothing", "0", ErrFormat},
	{"pop below a mark", "NN(0", ErrFormat},
	{"tuple below a mark", "NN(\x86t", ErrFormat},
	{"tuple without a mark", "Nt", ErrFormat},
	{"a mark twice used", "(tt", ErrFormat},
	{"dup of nothing", "2", ErrFormat},
	{"unknown memo", "h\x01", ErrFormat},
	{"memo of nothing", "q\x01", ErrFormat},
	{"text over the end", "X\xff\xff\xff\x7fabc", ErrFormat},
	{"text of 2^64 bytes", "\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc", ErrFormat},
	{"text over the limit", "X\x01\x00\x10\x00" + strings.Repeat("x", MaxTextBytes+1), ErrLimit},
	{"bytes over the end", "B\xff\xff\xff\x7fabc", ErrFormat},
	{"integer over the limit", "\x8b\x01\x04\x00\x00" + strings.Repeat("x", 1025), ErrLimit},
	{"integer over the end", "\x8b\xff\xff\xff\xff", ErrFormat},
	{"frame over the end", "\x95\xff\x00\x00\x00\x00\x00\x00\x00N", ErrFormat},
	{"half a float", "G\x00\x00", ErrFormat},
	{"name without an end", "ctorch", ErrFormat},
	{"name over the limit", "c" + strings.Repeat("x", 300) + "\ny\n", ErrFormat},
	{"class named by a number", "\x80\x04K\x01K\x02\x93", ErrFormat},
	{"arguments that are a list", named("torch", "Size") + "]R", ErrFormat},
	{"items for a number", "K\x01Na", ErrFormat},
	{"keys for a list", "]NNs", ErrFormat},
	{"a key without a value", "}(Nu", ErrFormat},
	{"an OrderedDict of something", named("collections", "OrderedDict") + "N\x85R", ErrFormat},
	{"torch.Size of a number", named("torch", "Size") + "K\x01\x85R", ErrFormat},
	{"a persistent number", "K\x01Q", ErrFormat},
	{"a persistent module", "(" + text("module") + "NNNNtQ", ErrFormat},
	{"a storage of None elements", "(" + text("storage") + named("torch", "FloatStorage") + text("0") + text("cpu") + "NtQ", ErrFormat},
	{"a storage of -1 elements", stored("FloatStorage", -1), ErrFormat},
	{"a storage of 2^62 elements", stored("FloatStorage", 1<<62), ErrFormat},
	{"a storage over its record", stored("FloatStorage", 13), ErrFormat},
	{"a tensor without arguments", named("torch._utils", "_rebuild_tensor_v2") + ")R", ErrFormat},
	{"a tensor of an untyped storage", named("torch._utils", "_rebuild_tensor_v2") + "(" + stored("UntypedStorage", 4) + integer(0) + "))tR", ErrFormat},
	{"a parameter of nothing", named("torch._utils", "_rebuild_parameter") + ")R", ErrFormat},
	{"size and stride differ", view(0, []int{2, 2}, []int{1}), ErrFormat},
	{"negative size", view(0, []int{-1}, []int{1}), ErrFormat},
	{"negative stride", view(11, []int{2}, []int{-1}), ErrFormat},
	{"negative offset", view(-1, []int{2}, []int{1}), ErrFormat},
	{"offset at the end", view(12, []int{1}, []int{1}), ErrFormat},
	{"one element too many", view(1, []int{3, 4}, []int{4, 1}), ErrFormat},
	{"stride over the end", view(0, []int{2}, []int{12}), ErrFormat},
	{"size overflows", view(0, []int{1 << 32, 1 << 32}, []int{0, 0}), ErrFormat},
	{"stride overflows", view(0, []int{3}, []int{math.MaxInt}), ErrFormat},
	{"strides overflow together", view(1, []int{2, 2}, []int{math.MaxInt, math.MaxInt}), ErrFormat},
	{"expanded beyond the limit", view(0, []int{MaxExpanded + 1}, []int{0}), ErrLimit},
	{"too many dimensions", view(0, make([]int, MaxDims+1), make([]int, MaxDims+1)), ErrLimit},
	{"too many values", strings.Repeat("N", MaxStack+1), ErrLimit},
	{"too many marks", strings.Repeat("(", MaxStack+1), ErrLimit},
	{"too many opcodes", strings.Repeat("N0", MaxOpcodes/2) + "N", ErrLimit},
	{"too many memo entries", "N" + strings.Repeat("\x94", MaxMemo+1), ErrLimit},
	{"too many tensors", view(0, []int{1}, []int{1}) + named("torch._utils", "_rebuild_tensor_v2") + "q\x01(" +
		stored("FloatStorage", 1) + integer(0) + "))tq\x02" + strings.Repeat("h\x01h\x02R0", MaxTensors), ErrLimit},
}

func TestBrokenPickles(t *testing.T) {
	for _, c := range broken {
		if v, err := unpickle(c.program + "."); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, describe(v), err, c.want)
		}
	}
	for _, cut := range []string{"", "\x80", "\x80\x02N"} {
		if _, err := unpickle(cut); !errors.Is(err, ErrFormat) {
			t.Errorf("without an end: %v, want ErrFormat", err)
		}
	}
}

// TestViews reads every element of views that just fit.
func TestViews(t *testing.T) {
	for _, c := range []struct {
		offset       int
		size, stride []int
	}{
		{0, []int{12}, []int{1}},
		{11, []int{1, 1}, []int{math.MaxInt, 0}},
		{12, []int{0, 5}, []int{1, 1}},
		{0, []int{1 << 62, 0, 1 << 62}, []int{1, 1, 1}},
		{1, []int{2, 2}, []int{9, 1}},
		{3, []int{}, []int{}},
		{0, []int{1 << 10, 1 << 10}, []int{0, 0}},
	} {
		v, err := unpickle("\x80\x02" + view(c.offset, c.size, c.stride) + ".")
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		x := v.(*Tensor)
		got, err := x.Float32s()
		n, _ := product(c.size)
		if err != nil || len(got) != n || slices.ContainsFunc(got, func(v float32) bool { return v != 1 }) || x.Elements() != n {
			t.Errorf("%v: %d floats, %v", c, len(got), err)
		}
	}
}

// TestCycles holds values that contain themselves.
func TestCycles(t *testing.T) {
	v, err := unpickle("\x80\x02}q\x00" + text("self") + "h\x00s.")
	if err != nil {
		t.Fatal(err)
	}
	if self, _ := v.(*Dict).Get("self"); self != v {
		t.Errorf("self is %s", describe(self))
	}
}

// TestLastKeyWins replaces the value of a text key, as Python does.
func TestLastKeyWins(t *testing.T) {
	v, err := unpickle("\x80\x02}(" + text("a") + "K\x01" + text("b") + "K\x02" + text("a") + "K\x03K\x04K\x05u.")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for k, v := range v.(*Dict).All() {
		got = append(got, fmt.Sprint(k, v))
	}
	if !slices.Equal(got, []string{"a3", "b2"}) {
		t.Errorf("got %q", got)
	}
}
