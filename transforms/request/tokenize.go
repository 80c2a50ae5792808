package request

import (
	"errors"
	"fmt"
)

// CheckTokenize returns why r cannot be a request to tokenize. In such a manifest
// "frames" is what the flag --frames is: at most so many of the input are taken. In
// a request these are the prefix, and a line may say so too. The flag's value is what
// a line without either has as its frames.
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
