package transformer

// Sequence is one sample laid out for the network: a row a position.
//
// A row of Plan is, as in step.State: static ids | positions fed from (-1: none)
// | axes | keys visible, lowest token, one past the highest. A position sees the
// positions before its count of visible keys; positions predicted together have
// the same count.
type Sequence struct {
	Plan   []int32  // [n, k+f+a+3]
	Tokens []uint32 // [n, words]; positions still to be drawn may be missing
	// Draw is the first position that is predicted; those before are a condition.
	Draw int
	// Pinned positions at the start stay visible for ever and come with every
	// training window.
	Pinned int
	// Short lists positions whose last sub-tokens do not exist, with how many:
	// they are not trained.
	Short func(p int) int
}

// Len returns the number of positions, given the width of a row.
func (s *Sequence) Len(columns int) int { return len(s.Plan) / columns }

// Ignored returns how many of position p's last sub-tokens are not predicted.
func (s *Sequence) Ignored(p, words int) int {
	if s.Short == nil {
		return 0
	}
	return min(s.Short(p), words-1)
}
