package singular

import (
	"testing"

	"github.com/morton-gen/morton/gpu/gputest"
)

func TestMain(m *testing.M) { gputest.Main(m) }
