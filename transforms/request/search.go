package request

import "fmt"

// MaxCandidates bounds the candidates of a search.
const MaxCandidates = 256

// Search requests the best of several candidates, as models.Search does.
type Search struct {
	Candidates   int    `json:"candidates"`
	Verifier     string `json:"verifier"`                // scores the candidates
	Keep         int    `json:"keep,omitempty"`          // candidates kept at a comparison; 0 means 1
	CompareEvery int    `json:"compare_every,omitempty"` // steps between comparisons; 0 means only at the end
}

// invalid returns what is inconsistent for any verifier.
func (s *Search) invalid() string {
	switch {
	case s == nil:
	case s.Candidates < 1 || s.Candidates > MaxCandidates:
		return fmt.Sprintf("candidates %d: from 1 to %d", s.Candidates, MaxCandidates)
	case s.Verifier == "":
		return "candidates need a verifier"
	case s.Keep < 0 || s.Keep > s.Candidates:
		return fmt.Sprintf("keep %d: from 0 to the %d candidates", s.Keep, s.Candidates)
	case s.CompareEvery < 0 || s.CompareEvery > MaxFrames:
		return fmt.Sprintf("compare_every %d: from 0 to %d", s.CompareEvery, MaxFrames)
	}
	return ""
}
