package interrupt

import (
	"context"
	"errors"
	"testing"
)

func TestWait(t *testing.T) {
	cause, failed := errors.New("stop"), errors.New("failed")
	ctx, cancel := context.WithCancelCause(context.Background())
	if n, err := Value(ctx, func() (int, error) { return 3, nil }); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := Value(ctx, func() (int, error) { return 3, failed }); n != 0 || err != failed {
		t.Errorf("%d, %v, want %v", n, err, failed)
	}
	func() {
		defer func() {
			if recover() != "panic" {
				t.Error("the panic is lost")
			}
		}()
		_ = Wait(ctx, func() error { panic("panic") })
	}()
	begun, end := make(chan bool), make(chan bool)
	defer close(end)
	go func() {
		<-begun
		cancel(cause)
	}()
	if err := Wait(ctx, func() error { close(begun); <-end; return nil }); err != cause {
		t.Errorf("%v, want %v", err, cause)
	}
	if err := Wait(ctx, func() error { t.Error("work begins after the end"); return nil }); err != cause {
		t.Errorf("%v, want %v", err, cause)
	}
}
