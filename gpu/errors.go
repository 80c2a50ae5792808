package gpu

import (
	"errors"
	"fmt"

	"github.com/morton-gen/morton/gpu/vk"
	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on.
var (
	// ErrNoDevice reports that no usable Vulkan device was found; the message
	// says why each one was passed over.
	ErrNoDevice = errkind.New("no_device", "no usable Vulkan device")
	// ErrOutOfMemory is matched by [OutOfMemoryError].
	ErrOutOfMemory = errkind.New("out_of_memory", "out of device memory")
	// ErrDeviceLost reports that the device stopped answering. The Device is of
	// no further use: close it, open another and load the weights again.
	ErrDeviceLost = errkind.New("device_lost", "device lost")
	// ErrClosed reports the use of a Device after its Close, or of its tensors,
	// recorders and programs.
	ErrClosed = errors.New("device closed")
	// ErrUnsupported is matched by [UnsupportedError].
	ErrUnsupported = errkind.New("unsupported_device", "unsupported by the device")
	// ErrPipeline reports a kernel the driver would not compile.
	ErrPipeline = errors.New("the driver made no pipeline")
	// ErrShape reports tensors whose shapes or types do not fit an operation.
	ErrShape = errors.New("shapes do not fit")
	// ErrProgram reports a recording that breaks a rule, such as a temporary
	// read before anything wrote it.
	ErrProgram = errors.New("bad program")
)

// OutOfMemoryError says how much was asked for and how much there is, in bytes.
type OutOfMemoryError struct{ Needed, Available uint64 }

func (e *OutOfMemoryError) Error() string {
	return fmt.Sprintf("%v: %d bytes (%s) needed, %d (%s) available", ErrOutOfMemory, e.Needed, mebibytes(e.Needed), e.Available, mebibytes(e.Available))
}

// Unwrap returns [ErrOutOfMemory].
func (e *OutOfMemoryError) Unwrap() error { return ErrOutOfMemory }

// UnsupportedError names the feature a device lacks.
type UnsupportedError struct{ Device, Feature string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%v: %s lacks %s", ErrUnsupported, e.Device, e.Feature)
}

// Unwrap returns [ErrUnsupported].
func (e *UnsupportedError) Unwrap() error { return ErrUnsupported }

// kind maps a driver's result to one of this package's errors.
func kind(where string, err error) error {
	var r vk.Result
	if !errors.As(err, &r) {
		return err
	}
	switch r {
	case vk.ErrDeviceLost, vk.Timeout:
		return fmt.Errorf("%s: %w: %v", where, ErrDeviceLost, r)
	case vk.ErrOutOfMemory, vk.ErrOutOfHostMemory:
		return fmt.Errorf("%s: %w: %v", where, ErrOutOfMemory, r)
	}
	return fmt.Errorf("%s: %w", where, err)
}

func mebibytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
