package report

// Unended reports whether a limit ended the result, such as the budget of faces, and not the model.
func (r *Result) Unended() bool {
	ended, ok := r.Measures["ended"]
	return ok && ended == 0
}
