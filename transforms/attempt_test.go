package transforms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"sync"
	"syscall"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// counted is a model that counts how often it was opened and closed.
type counted struct {
	family.Model
	closed *int
}

func (m counted) Close() { *m.closed++ }

// lend registers such a model under the test's name.
func lend(t *testing.T) (lease *family.Lease, opened, closed *int) {
	t.Helper()
	opened, closed = new(int), new(int)
	f := request.Family(t.Name())
	family.Register(f, func(func() (*gpu.Device, error), family.Spec) (family.Model, error) {
		*opened++
		return &counted{closed: closed}, nil
	})
	lease = family.Acquire(family.Spec{Family: f})
	t.Cleanup(lease.Release)
	return lease, opened, closed
}

func TestAttempt(t *testing.T) {
	transient := &fs.PathError{Op: "read", Path: "a", Err: syscall.ESTALE}
	permanent := errors.New("bad item")
	lostDevice := fmt.Errorf("engine: %w", gpu.ErrDeviceLost)
	for name, c := range map[string]struct {
		errs          []error // of one attempt after another, then nil
		want          error
		tries, opened int
		fault         bool
	}{
		"works":            {nil, nil, 1, 1, false},
		"permanent":        {[]error{permanent}, permanent, 1, 1, false},
		"transient once":   {[]error{transient}, nil, 2, 1, false},
		"transient always": {[]error{transient, transient, transient}, syscall.ESTALE, 3, 1, false},
		"device lost once": {[]error{lostDevice}, nil, 2, 2, false},
		"device lost":      {[]error{lostDevice, lostDevice}, gpu.ErrDeviceLost, 2, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			lease, opened, _ := lend(t)
			tries := 0
			err := attempt(context.Background(), "", lease, func(context.Context, family.Model) error {
				tries++
				if tries <= len(c.errs) {
					return c.errs[tries-1]
				}
				return nil
			})
			var f fault
			if !errors.Is(err, c.want) || tries != c.tries || *opened != c.opened || errors.As(err, &f) != c.fault {
				t.Errorf("error %v after %d tries and %d openings, want %v, %d, %d", err, tries, *opened, c.want, c.tries, c.opened)
			}
		})
	}
}

func TestAttemptTurnsAPanicIntoAnError(t *testing.T) {
	lease, _, _ := lend(t)
	err := attempt(context.Background(), "", lease, func(context.Context, family.Model) error { panic("boom") })
	var f fault
	if !errors.Is(err, report.ErrPanic) || errors.As(err, &f) {
		t.Fatalf("error %v, want ErrPanic of the item", err)
	}
}

func TestAttemptCancelled(t *testing.T) {
	lease, _, _ := lend(t)
	ctx, cancel := context.WithCancel(context.Background())
	caller, halt := context.WithCancelCause(context.Background())
	name, undo := HaltWith(caller)
	defer undo()
	stopped := errors.New("stopped by hand")
	for _, c := range []struct {
		end  func()
		halt string
		want error
	}{{cancel, "", context.Canceled}, {func() { halt(stopped) }, name, stopped}} {
		if c.halt != "" {
			ctx = context.Background()
		}
		err := attempt(ctx, c.halt, lease, func(ctx context.Context, _ family.Model) error {
			c.end()
			<-ctx.Done()
			return errors.New("cut off")
		})
		var f fault
		if !errors.As(err, &f) || !errors.Is(err, c.want) {
			t.Errorf("error %v, want a fault that is %v", err, c.want)
		}
		if err := attempt(ctx, c.halt, lease, func(context.Context, family.Model) error { panic("began after the end") }); !errors.Is(err, c.want) {
			t.Errorf("after the end: error %v, want %v", err, c.want)
		}
	}
}

// TestRenewOnce checks that goroutines that meet one lost device open one new
// model between them.
func TestRenewOnce(t *testing.T) {
	lease, opened, closed := lend(t)
	first, err := lease.Model()
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := lease.Renew(first); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if *opened != 2 || *closed != 1 {
		t.Fatalf("opened %d times and closed %d times, want 2 and 1", *opened, *closed)
	}
}

func TestLeasesShareAModel(t *testing.T) {
	lease, opened, closed := lend(t)
	other := family.Acquire(family.Spec{Family: request.Family(t.Name())})
	for _, l := range []*family.Lease{lease, other} {
		if _, err := l.Model(); err != nil {
			t.Fatal(err)
		}
	}
	other.Release()
	other.Release()
	if *opened != 1 || *closed != 0 {
		t.Fatalf("opened %d, closed %d, want 1 and 0", *opened, *closed)
	}
	lease.Release()
	if *closed != 1 {
		t.Fatalf("closed %d times after the last release, want 1", *closed)
	}
}

func TestItemsAreNotEncoded(t *testing.T) {
	e := beam.NewElementEncoder(reflect.TypeOf((*Item)(nil)))
	if err := e.Encode(&Item{}, &bytes.Buffer{}); !errors.Is(err, ErrNotFused) && (err == nil || !bytes.Contains([]byte(err.Error()), []byte(ErrNotFused.Error()))) {
		t.Fatalf("error %v, want ErrNotFused", err)
	}
}

func TestOutcomesSurviveAShuffle(t *testing.T) {
	for _, o := range []report.Outcome{
		{Failed: &report.Failure{ID: "a", Kind: "empty", Message: "\x00<>"}},
		{Done: &report.Result{Request: request.Request{ID: "b", Seed: 1 << 63, Sampling: &request.Plain}, Measures: family.Measures{"x": 0.1}}},
	} {
		data, err := encodeOutcome(o)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeOutcome(data)
		if err != nil || !reflect.DeepEqual(back, o) {
			t.Errorf("%+v came back as %+v: %v", o, back, err)
		}
	}
}
