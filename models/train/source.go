package train

// Source holds samples laid out as sequences. They are equal whenever they are asked for.
type Source interface {
	// Rows returns the number of rows of every sequence.
	Rows() []int
	// Sequence returns sequence i.
	Sequence(i int) (*Sequence, error)
}

// Held is a source in memory.
type Held []*Sequence

// Rows implements [Source].
func (h Held) Rows() []int {
	out := make([]int, len(h))
	for i, q := range h {
		out[i] = q.N
	}
	return out
}

// Sequence implements [Source].
func (h Held) Sequence(i int) (*Sequence, error) { return h[i], nil }
