package transforms

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

// TestRunsOfOthersAreGivenUp has a worker at work for a run of another process, which is
// then given up: what is at work ends, and nothing begins.
func TestRunsOfOthersAreGivenUp(t *testing.T) {
	f := request.Family(t.Name())
	family.Register(f, func(func() (*gpu.Device, error), family.Spec) (family.Model, error) { return nil, nil })
	out := t.TempDir()
	s := stage{Settings: Settings{Out: out, Run: "0123456789abcdef-1"}}
	defer s.Teardown()
	begun, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.attempt(context.Background(), f, func(ctx context.Context, _ family.Model) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	<-begun
	AwaitAttempts(time.Millisecond) // in vain
	path := filepath.Join(out, StopFile(s.Settings.Run))
	record := filepath.Join(out, RecordFile(s.Settings.Run))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(record, nil, 0o644), os.WriteFile(path, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	AwaitAttempts(time.Minute)
	select {
	case err := <-ended:
		if cause := (fault{}); !errors.As(err, &cause) || !errors.Is(err, errStopped) {
			t.Errorf("error %v, want a fault with errStopped", err)
		}
	case <-time.After(time.Second):
		t.Error("an attempt goes on")
	}
	err := s.attempt(context.Background(), f, func(context.Context, family.Model) error {
		t.Error("an attempt begins")
		return nil
	})
	if !errors.Is(err, errStopped) {
		t.Errorf("error %v, want errStopped", err)
	}
	time.Sleep(2 * lookEvery)
	select {
	case <-RunOver():
		t.Error("the run is over while its record is there")
	default:
	}
	if err := os.Remove(record); err != nil {
		t.Fatal(err)
	}
	select {
	case <-RunOver():
	case <-time.After(time.Minute):
		t.Error("the run is not over")
	}
}
