package request

import (
	"errors"
	"fmt"
)

// CheckTokenize returns why r cannot be a request to tokenize. In such a manifest
// "frames" means what the flag --frames does: the largest number of frames read. In a
// request this is Prefix, and a line may set that instead. flag is the default of
// lines with neither.
func (r *Request) CheckTokenize(flag int) error {
	switch {
	case r.Input == "":
		return errors.New("no input to tokenize")
	case r.Prefix == 0:
		r.Prefix = r.Frames
	case r.Frames != flag && r.Frames != r.Prefix:
		return fmt.Errorf("prefix %d and frames %d both say how many frames are taken", r.Prefix, r.Frames)
	}
	r.Frames = 0
	return nil
}
