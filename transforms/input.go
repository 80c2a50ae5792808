package transforms

import (
	"context"
	"errors"

	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// refused ends a request whose input names no file, with a reason for the user
// (see [request.CheckInput]). False means that the input may be opened.
func (s *stage) refused(ctx context.Context, r request.Request, name string, out func(report.Outcome)) (bool, error) {
	err := request.CheckInput(r.Input)
	if err == nil || name == stageDetokenize && errors.Is(err, request.ErrFolder) {
		return false, nil // opening a shard reports a folder
	}
	return true, s.settle(ctx, r, name, err, out)
}
