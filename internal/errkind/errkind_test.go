package errkind_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/morton-gen/morton/internal/errkind"
)

var (
	errOuter = errkind.New("outer", "it is outside")
	errInner = errkind.New("inner", "it is inside")
	errTwin  = errkind.New("outer", "it is outside")
)

func TestOf(t *testing.T) {
	plain := errors.New("plain")
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{plain, ""},
		{errOuter, "outer"},
		{fmt.Errorf("place: %w: got 3, limit 2", errInner), "inner"},
		{fmt.Errorf("%w: %w", errOuter, errInner), "outer"},
		{fmt.Errorf("%w: %w", plain, errInner), "inner"},
		{errors.Join(fmt.Errorf("a: %w", errInner), errOuter), "inner"},
	} {
		if got := errkind.Of(c.err); got != c.want {
			t.Errorf("Of(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}

// TestSentinelsAreThemselves: equal words make no equal errors.
func TestSentinelsAreThemselves(t *testing.T) {
	if errors.Is(errOuter, errTwin) || !errors.Is(fmt.Errorf("a: %w", errOuter), errOuter) || errOuter.Error() != "it is outside" {
		t.Error("a sentinel is told from others by its words")
	}
}
