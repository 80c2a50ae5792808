package nn

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

func TestInOrder(t *testing.T) {
	var running, most atomic.Int32
	prepare := func(i int) (int, error) {
		now := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		time.Sleep(time.Duration(5-i%5) * time.Millisecond)
		return i * i, nil
	}
	var got []int
	if err := inOrder(20, prepare, func(x int) error { got = append(got, x); return nil }); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if len(got) != 20 || got[i] != i*i {
			t.Fatalf("%v", got)
		}
	}
	if most.Load() < 2 {
		t.Errorf("%d at a time", most.Load())
	}
	first, second := errors.New("first"), errors.New("second")
	got = nil
	err := inOrder(20, func(i int) (int, error) {
		switch i {
		case 3:
			time.Sleep(10 * time.Millisecond)
			return 0, first
		case 4:
			return 0, second
		}
		return prepare(i)
	}, func(x int) error { got = append(got, x); return nil })
	if err != first || !slices.Equal(got, []int{0, 1, 4}) || running.Load() != 0 {
		t.Errorf("%v after %v, %d still running", err, got, running.Load())
	}
	if err := inOrder(20, prepare, func(int) error { return second }); err != second || running.Load() != 0 {
		t.Errorf("%v, %d still running", err, running.Load())
	}
}
