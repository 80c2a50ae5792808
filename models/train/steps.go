package train

import "time"

// measured is how many batches a measurement times, behind one that it does not.
const measured = 6

// StepsIn returns about how many steps of a task take so long, at least 1, by timing some
// of its batches. The gradients that they add are cleared. Evaluations and checkpoints
// come on top: a twentieth of the time is left for them.
func StepsIn(task Task, d time.Duration) (int, error) {
	losses := make([]float32, task.Losses().Elems())
	var begin time.Time
	for i := range 1 + measured {
		if i == 1 {
			begin = time.Now()
		}
		p, _, err := task.Batch(i)
		if err == nil {
			err = p.Run(1)
		}
		if err == nil {
			err = task.Losses().ReadF32(losses)
		}
		if err != nil {
			return 0, err
		}
	}
	each := time.Since(begin) / measured
	clearAll := func(dst []float32, _ int) error { clear(dst); return nil }
	return max(int(d*19/20/max(each, 1)), 1), task.Store().G.FillF32(clearAll)
}
