package torch

// Limits on a file. For scale, a checkpoint of 1,000 tensors has a pickle of
// 114,500 bytes, 32,018 opcodes and 8,008 memo entries (torch 2.15).
const (
	// MaxPickleBytes bounds the pickle.
	MaxPickleBytes = 64 << 20
	// MaxOpcodes bounds the opcodes executed, and thereby the values.
	MaxOpcodes = 1 << 22
	// MaxStack bounds the values and marks on the stack.
	MaxStack = 1 << 20
	// MaxMemo bounds the entries of the memo.
	MaxMemo = 1 << 21
	// MaxTextBytes bounds one text.
	MaxTextBytes = 1 << 20
	// MaxTensors bounds the tensors that the pickle builds.
	MaxTensors = 1 << 18
	// MaxDims bounds a tensor's dimensions.
	MaxDims = 64
	// MaxExpanded bounds the elements of a tensor that repeats elements of its
	// storage.
	MaxExpanded = 1 << 24
	// MaxRecords bounds the entries of the archive.
	MaxRecords = 1 << 19

	maxTableBytes = 128 << 20 // of the archive's directory
	maxNameBytes  = 256       // of a module or a class
	maxIntBytes   = 1 << 10   // of an integer
)
