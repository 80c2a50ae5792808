package gpu

import (
	"encoding/binary"
)

// Tally is work that follows from what stands in a tensor when the operation runs, such
// as attention's over as much of a cache as is filled.
type Tally struct {
	Of   *Tensor // i32, one of the operation's In: how many units an element stands for
	Most int     // units that an element stands for at most
	Each Work    // of a unit
	Rest Work    // of all else
}

// units is the work of n of them, and of the rest.
func (t *Tally) units(n int64) Work {
	return Work{Flops: n*t.Each.Flops + t.Rest.Flops, Bytes: n*t.Each.Bytes + t.Rest.Bytes}
}

// most is the work if every element stands for as much as it can.
func (t *Tally) most() Work { return t.units(int64(t.Of.Elems()) * int64(t.Most)) }

// count reads the tensor; the caller holds the device's mu, and the operation is the
// next to run.
func (t *Tally) count(d *Device) (Work, error) {
	data := make([]byte, t.Of.SizeBytes())
	if h := t.Of.mapped(); h != nil {
		copy(data, h)
	} else if err := d.staging.download(d, t.Of, data); err != nil {
		return Work{}, err
	}
	var n int64
	for i := 0; i+4 <= len(data); i += 4 {
		n += int64(min(max(int32(binary.LittleEndian.Uint32(data[i:])), 0), int32(t.Most)))
	}
	return t.units(n), nil
}
