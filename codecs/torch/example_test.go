package torch_test

import (
	"fmt"
	"log"

	"github.com/morton-gen/morton/codecs/torch"
)

// Read one tensor of a training checkpoint, and see what lies beside the weights.
func Example() {
	f, err := torch.Open("testdata/wrapped.pt")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	root := f.Root().(*torch.Dict)
	for key, value := range root.All() {
		if v, ok := value.(torch.Inert); ok {
			fmt.Println(key, "is not read:", v.Class)
		}
	}
	model, _ := root.Get("model")
	mean, _ := model.(*torch.Dict).Get("norm.running_var")
	t := mean.(*torch.Tensor)
	values, err := t.Float32s()
	fmt.Println(t.DType, t.Shape, values, err)
	// Output:
	// args is not read: argparse.Namespace
	// config is not read: omegaconf.dictconfig.DictConfig
	// counts is not read: collections.defaultdict
	// counter is not read: collections.Counter
	// F32 [4] [1 1 1 1] <nil>
}
