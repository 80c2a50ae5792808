package train

// Source holds samples laid out as sequences. They are equal whenever they are asked for.
type Source interface {
	// Rows returns the number of rows of every sequence.
	Rows() []int
	// Sequence returns sequence i.
	Sequence(i int) (*Sequence, error)
}
