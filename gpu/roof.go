package gpu

import (
	"time"

	"github.com/morton-gen/morton/gpu/tensor"
)

// Roof measures how fast the device copies: bytes read and written a second, of a
// buffer of 128 MiB, or less where there is no room, the best of five. No profile may be on.
func (d *Device) Roof() (bytesPerSecond float64, err error) {
	half := min(64<<20, d.Available()/4) / 4
	x, err := d.NewTensor(tensor.U32, int(max(half, 1)))
	if err != nil {
		return 0, err
	}
	defer x.Free()
	y, err := d.NewTensor(tensor.U32, x.Shape...)
	if err != nil {
		return 0, err
	}
	defer y.Free()
	r := d.NewRecorder()
	r.Fill(x, 1)
	r.Copy(y, x)
	p, err := r.Finish()
	if err != nil {
		return 0, err
	}
	defer p.Free()
	best := time.Duration(0)
	for range 5 {
		prof, err := d.StartProfile()
		if err != nil {
			return 0, err
		}
		err = p.Run(1)
		prof.Stop()
		if err != nil {
			return 0, err
		}
		for _, s := range prof.Spans() {
			if s.Kernel == "copy" && (best == 0 || s.Took < best) {
				best = s.Took
			}
		}
	}
	return 2 * float64(x.SizeBytes()) / best.Seconds(), nil
}
