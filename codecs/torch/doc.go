// Package torch reads files written by PyTorch's torch.save: a zip archive of one
// pickle, which describes objects, and one record per tensor storage.
//
//	NAME/data.pkl   the pickle: dictionaries, numbers, texts and tensors
//	NAME/data/KEY   the bytes of storage KEY, as they lay in memory
//	NAME/byteorder  "little"
//
// A pickle is a program for a stack machine. Python's machine imports and calls
// the names in the program, so a file can run any command. The machine here
// cannot import or call. It knows the opcodes that torch.save writes with
// protocols 2 to 5, and a closed list of names:
//
//   - Read: collections.OrderedDict, torch.Size, torch's element types and
//     storages, and the functions of torch._utils that build dense tensors and
//     parameters. Each is done here, in Go.
//   - Inert: names that training scripts leave beside their weights, such as
//     argparse.Namespace, omegaconf's containers, NumPy's scalars and arrays,
//     paths and Python's builtin types. Their arguments and states are dropped,
//     and an [Inert] that holds the name is all that remains.
//   - Refused, with [ErrUnsafe]: every other name and opcode. EXT1, INST, OBJ
//     and builtins.eval are among them, and so are classes of a user's own.
//
// An inert value never becomes a part of a tensor: that is [ErrUnsafe] too.
//
// It is not for TorchScript, for files from before torch 1.6, or for writing. It
// does not verify the archive's checksums: torch may omit them, and tensors are
// read one at a time.
//
//	f, err := torch.Open("model.pt")
//	if err != nil {
//		return err
//	}
//	defer f.Close()
//	dict, _ := f.Root().(*torch.Dict)
//	for name, value := range dict.All() {
//		if t, ok := value.(*torch.Tensor); ok {
//			fmt.Println(name, t.DType, t.Shape)
//		}
//	}
//
// Source: the format notes and the reader and writer of PyTorch,
// https://docs.pytorch.org/docs/stable/notes/serialization.html, and Python's
// description of its opcodes, https://docs.python.org/3/library/pickletools.html.
package torch
