// Package gpu is the engine's narrow waist: a Vulkan compute device, tensors in
// its memory, and programs that are recorded once and replayed.
//
// It is not for operations (see gpu/ops/...: matrix products, attention, …) nor
// for networks (see models).
//
//	dev, err := gpu.Open(gpu.Options{})
//	if err != nil {
//		return err // errors.Is(err, gpu.ErrNoDevice), …
//	}
//	defer dev.Close()
//	x, err := dev.NewTensor(tensor.F32, 32, 768)
//	rec := dev.NewRecorder()
//	y := rec.Temp(tensor.F32, 32, 768)
//	norm.RMS(rec, norm.RMSArgs{…})
//	prog, err := rec.Finish()
//	err = prog.Run(1)
//
// A kernel gets its tensors as buffer device addresses in push constants; there
// are no descriptor sets. Kernels run one subgroup a workgroup, W lanes wide,
// where W is the device's subgroup width.
//
// A Device is safe for concurrent use; a Recorder and a Tensor's contents are
// not. Programs run one at a time.
package gpu
