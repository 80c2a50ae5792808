package torch

import (
	"slices"
	"strings"

	"github.com/morton-gen/morton/codecs/safetensors"
)

// class is a name that a pickle may use. build is nil if it is inert.
type class struct {
	name    string
	dtype   safetensors.DType // of a storage or an element type, "" for untyped storages
	storage bool
	build   func(m *machine, args Tuple) (any, error)
}

// global returns the class of a name, or false if the name is not on the closed
// list.
func global(module, name string) (*class, bool) {
	full := module + "." + name
	if c, ok := classes[full]; ok {
		return c, true
	}
	if slices.ContainsFunc(inertModules, func(p string) bool { return module == p || strings.HasPrefix(module, p+".") }) {
		return &class{name: full}, true
	}
	return nil, false
}

// inertModules are modules all of whose names are inert: they hold numbers and
// configurations.
var inertModules = []string{"omegaconf", "numpy.dtypes"}

// inertNames are inert names of other modules. Each stands for data, or for a
// function that only makes a value of its arguments.
var inertNames = map[string]string{
	"argparse":               "Namespace",
	"types":                  "SimpleNamespace",
	"collections":            "defaultdict Counter deque",
	"typing":                 "Any Union Optional List Dict Tuple",
	"pathlib":                "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath",
	"pathlib._local":         "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath", // Python 3.13
	"datetime":               "datetime date time timedelta timezone",
	"decimal":                "Decimal",
	"fractions":              "Fraction",
	"uuid":                   "UUID",
	"_codecs":                "encode", // how protocol 2 writes bytes
	"builtins":               builtinTypes,
	"__builtin__":            builtinTypes, // the same, by the name that protocol 2 uses
	"numpy":                  "dtype ndarray " + numpyScalars,
	"numpy.core.multiarray":  "scalar _reconstruct",
	"numpy._core.multiarray": "scalar _reconstruct",
	"numpy.core.numeric":     "_frombuffer",
	"numpy._core.numeric":    "_frombuffer",
	"torch":                  "device Tensor",
	"torch.torch_version":    "TorchVersion",
	"easydict":               "EasyDict",
	"yacs.config":            "CfgNode",
	"torch.nn.parameter":     "Parameter Buffer",
}

const (
	builtinTypes = "bool int long float complex str unicode bytes bytearray list tuple dict set frozenset slice range xrange object"
	numpyScalars = "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 longlong ulonglong str_ bytes_"
)

// classes has all names on the closed list except those of inertModules.
var classes map[string]*class

func init() { // in a function, since builders refer to classes
	classes = map[string]*class{}
	add := func(c class) { classes[c.name] = &c }
	for module, names := range inertNames {
		for name := range strings.FieldsSeq(names) {
			add(class{name: module + "." + name})
		}
	}
	for d, names := range dtypes {
		add(class{name: "torch." + names.name, dtype: d})
		if names.storage != "" {
			add(class{name: "torch." + names.storage, dtype: d, storage: true})
		}
	}
	add(class{name: "torch.storage.UntypedStorage", storage: true})
	add(class{name: "torch.UntypedStorage", storage: true})
	add(class{name: "collections.OrderedDict", build: orderedDict})
	add(class{name: "torch.Size", build: size})
	add(class{name: "torch._utils._rebuild_tensor", build: rebuildTensor})
	add(class{name: "torch._utils._rebuild_tensor_v2", build: rebuildTensor})
	add(class{name: "torch._utils._rebuild_tensor_v3", build: rebuildTensorV3})
	add(class{name: "torch._utils._rebuild_parameter", build: rebuildParameter})
	add(class{name: "torch._utils._rebuild_parameter_with_state", build: rebuildParameter})
	add(class{name: "torch._tensor._rebuild_from_type_v2", build: rebuildFromType})
}
